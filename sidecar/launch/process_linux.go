package launch

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openProcess watches with a pidfd, which never comes to mean another process. Where the kernel or a sandbox offers none, it
// polls.
func openProcess(pid int, getppid func() int) (processHandle, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return newPoller(pid, getppid), nil
	case err != nil:
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	file := os.NewFile(uintptr(fd), "pidfd") // non-blocking, so the runtime's poller takes it
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &pidfd{file, raw}, nil
}

type pidfd struct {
	file *os.File
	raw  syscall.RawConn
}

func (p *pidfd) wait() bool {
	return p.raw.Read(ended) == nil // an error means closed
}

// ended reports whether the process has ended: then its pidfd is readable.
func ended(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

func (p *pidfd) close() { _ = p.file.Close() }
