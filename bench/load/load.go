//go:build linux

package load

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ErrStalled says that nothing came, and nothing was taken, for as long as the server may take.
var ErrStalled = errors.New("stalled")

// infinite is more bytes than are written in a measurement.
const infinite = 1 << 60

// Load is a number of connections to one server. It is for one goroutine; lock that to its thread if the thread's time is
// measured.
type Load struct {
	epoll    int
	peers    []*peer
	patience time.Duration
	deadline time.Time
	events   []unix.EpollEvent
	buffer   []byte
}

// peer is one connection.
type peer struct {
	index   int // in Load.peers, and what epoll calls it
	fd      int
	in      counter
	out     source
	blocked bool          // the kernel takes no more, epoll says when it does
	shaken  int           // frames of the handshake that came
	sent    time.Duration // when its packet in flight was sent
}

// New returns a Load without connections.
//
// patience bounds every single wait; deadline all of them together.
func New(patience time.Duration, deadline time.Time) (*Load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &Load{
		epoll: epoll, patience: patience, deadline: deadline,
		events: make([]unix.EpollEvent, 1024), buffer: make([]byte, 256<<10),
	}, nil
}

// Close closes the connections with a reset, so that none of them occupies its port any longer.
func (l *Load) Close() {
	for _, p := range l.peers {
		_ = unix.SetsockoptLinger(p.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		_ = unix.Close(p.fd)
	}
	_ = unix.Close(l.epoll)
}

// turn waits until something happens, reads and writes what can be, and tells got of each peer that frames came for.
func (l *Load) turn(got func(p *peer, frames int) error) error {
	wait := min(l.patience, time.Until(l.deadline))
	if wait <= 0 {
		return fmt.Errorf("%w: not done in time", ErrStalled)
	}
	n, err := unix.EpollWait(l.epoll, l.events, max(1, int(wait.Milliseconds())))
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: nothing for %v", ErrStalled, wait.Round(time.Millisecond))
	}
	for _, event := range l.events[:n] {
		p := l.peers[event.Fd]
		if event.Events&unix.EPOLLOUT != 0 {
			if err := l.write(p); err != nil {
				return err
			}
		}
		if event.Events&^unix.EPOLLOUT != 0 {
			if err := l.read(p, got); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes what came for a peer, as much as fits the buffer: of more, epoll tells again.
func (l *Load) read(p *peer, got func(p *peer, frames int) error) error {
	n, err := unix.Read(p.fd, l.buffer)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("reading: %w", err)
	case n == 0:
		return errors.New("the server closed the connection")
	}
	frames, err := p.in.feed(l.buffer[:n])
	if err != nil || frames == 0 {
		return err
	}
	return got(p, frames)
}

// write writes what a peer owes, until the kernel takes no more.
func (l *Load) write(p *peer) error {
	for p.out.owed > 0 {
		n, err := unix.Write(p.fd, p.out.next())
		switch {
		case errors.Is(err, unix.EAGAIN):
			return l.block(p, true)
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("writing: %w", err)
		}
		p.out.wrote(n)
	}
	return l.block(p, false)
}

// block makes epoll say when a peer can write, or not.
func (l *Load) block(p *peer, blocked bool) error {
	if p.blocked == blocked {
		return nil
	}
	p.blocked = blocked
	return l.watch(unix.EPOLL_CTL_MOD, p)
}

func (l *Load) watch(operation int, p *peer) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.index)}
	if p.blocked {
		event.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(l.epoll, operation, p.fd, &event)
}

// put writes frames of what a peer was given before: it owes so many more.
func (l *Load) put(p *peer, frames int) error {
	p.out.owed += frames * p.out.frame
	if p.blocked {
		return nil
	}
	return l.write(p)
}

// drain writes everything that is owed.
func (l *Load) drain(p *peer, got func(p *peer, frames int) error) error {
	for p.out.owed > 0 {
		if err := l.turn(got); err != nil {
			return err
		}
	}
	return nil
}

// Patience changes how long a single wait may take.
func (l *Load) Patience(d time.Duration) { l.patience = d }
