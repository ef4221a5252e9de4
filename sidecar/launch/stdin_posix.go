//go:build !windows

package launch

import (
	"os"
	"syscall"
)

// Stdin returns standard input as a file whose Close ends a Read under way. That takes non-blocking mode, which os.Stdin does
// not have. It is for pipes from a parent: a terminal would be left in that mode for the shell.
func Stdin() (*os.File, error) {
	if err := syscall.SetNonblock(syscall.Stdin, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(syscall.Stdin), "stdin"), nil
}
