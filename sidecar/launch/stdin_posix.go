//go:build !windows

package launch

import (
	"errors"
	"os"
	"syscall"
)

// Stdin returns standard input as a file whose Close ends a Read under way. That takes non-blocking mode, which os.Stdin does
// not have, and in which a terminal must not be left for the shell: only a parent's pipe will do.
func Stdin() (*os.File, error) {
	info, err := os.Stdin.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeCharDevice != 0:
		return nil, errors.New("no hello line can come: stdin must be a pipe from a parent; people want: pengbridge serve --listen")
	}
	if err := syscall.SetNonblock(syscall.Stdin, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(syscall.Stdin), "stdin"), nil
}
