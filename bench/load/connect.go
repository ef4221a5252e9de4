//go:build linux

package load

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// inHandshake is how many connections are being made at a time: fewer than the 100 that wait for a slow server to accept them.
const inHandshake = 64

// Connect adds n connections to the server on that port of this machine, and returns when each has done its half of the
// handshake.
func (l *Load) Connect(port, n int) error {
	begun, active, total := 0, 0, n
	for active < total {
		for begun < total && begun-active < inHandshake {
			if err := l.dial(port); err != nil {
				return fmt.Errorf("connection %d: %w", len(l.peers)+1, err)
			}
			begun++
		}
		err := l.turn(func(p *peer, frames int) error {
			done, err := l.shake(p, frames)
			if done {
				active++
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("with %d of %d connections made: %w", active, total, err)
		}
	}
	return nil
}

// dial begins a connection. The server speaks first, and so does whoever says that there is none.
func (l *Load) dial(port int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return err
	}
	p := &peer{index: len(l.peers), fd: fd}
	l.peers = append(l.peers, p)
	return l.watch(unix.EPOLL_CTL_ADD, p)
}

// shake answers what a server sends first: hello with the type of connection, the registry with an acceptance.
func (l *Load) shake(p *peer, frames int) (done bool, err error) {
	for range frames {
		p.shaken++
		answer := setType
		if p.shaken == 2 {
			answer, done = accept, true
		}
		if n, err := unix.Write(p.fd, answer); n != len(answer) {
			return done, fmt.Errorf("writing to an idle connection: %w", err)
		}
	}
	return done, nil
}
