//go:build unix

package endpoint

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// rawConn returns access for single non-blocking attempts.
func rawConn(tcp *net.TCPConn) syscall.RawConn {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readOnce makes one read, if the gate lets it. It is not done if there was nothing to read yet.
func readOnce(a *attempt, fd uintptr) (done bool) {
	if !a.enter() {
		a.shut = !silent(fd)
		return a.shut
	}
	to := a.target(&readBuffers)
	var err error
	for {
		a.n, err = syscall.Read(int(fd), to)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return true
	}
	a.n = 0
	keep(a.buf)
	a.buf = nil
	if errors.Is(err, syscall.EAGAIN) {
		a.leave()
		return false
	}
	a.err = os.NewSyscallError("read", err)
	return true
}

// silent reports whether there is nothing to read: no bytes, no end, no error.
func silent(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		if !errors.Is(err, syscall.EINTR) {
			return errors.Is(err, syscall.EAGAIN)
		}
	}
}

// writeOnce makes one write. It is always done: the caller has to deal with what the kernel did not take.
func writeOnce(a *attempt, fd uintptr) (done bool) {
	for {
		n, err := syscall.Write(int(fd), a.p)
		switch {
		case err == nil:
			a.n = n
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
		default:
			a.err = os.NewSyscallError("write", err)
		}
		return true
	}
}
