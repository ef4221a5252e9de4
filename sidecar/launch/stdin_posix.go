//go:build !windows

package launch

import (
	"errors"
	"os"
	"syscall"
)

// Stdin returns standard input as a file whose Close ends a Read under way. That takes non-blocking mode, which os.Stdin does
// not have. A terminal must not be left in that mode for the shell, so it is refused.
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
