package endpoint

import (
	"io"
	"sync"

	"github.com/pengbridge/pengbridge/core/event"
)

// attempt is one non-blocking read or write of a socket through its syscall.RawConn. It is reused together with the
// function that RawConn calls, so that an attempt allocates nothing.
type attempt struct {
	call func(fd uintptr) (done bool) // the function; it works on the attempt it was made for

	gate    event.Gate // asked before a read; nil: nobody is
	entered bool       // a place at the gate is held, which leave gives back
	shut    bool       // there is something to read, but the gate is shut

	p    []byte  // what to write, or where to read to; if it is empty, a read goes into buf
	buf  *[]byte // the pooled buffer that was read into; nil if none was
	size int     // how much to read at most
	n    int     // bytes read or written
	err  error
}

// init makes the function that RawConn calls.
func (a *attempt) init(do func(a *attempt, fd uintptr) (done bool)) {
	a.call = func(fd uintptr) bool { return do(a, fd) }
}

// reset prepares a read of at most size bytes, into room if that is not empty.
func (a *attempt) reset(gate event.Gate, size int, room []byte) {
	*a = attempt{call: a.call, gate: gate, size: size, p: room}
}

// target returns where to read to: the room, or else a buffer from the pool, which becomes buf.
func (a *attempt) target(pool *sync.Pool) []byte {
	to := a.p
	if len(to) == 0 {
		a.buf = pool.Get().(*[]byte)
		to = *a.buf
	}
	return to[:min(a.size, len(to))]
}

// enter takes a place at the gate, if there is a gate and it is open.
func (a *attempt) enter() bool {
	if a.gate != nil && !a.entered {
		a.entered = a.gate.TryEnter()
		return a.entered
	}
	return true
}

// queue waits in line for a place, until done is closed: then there is none.
func (a *attempt) queue(done <-chan struct{}) bool {
	if a.gate != nil && !a.entered {
		a.entered = a.gate.Enter(done)
		return a.entered
	}
	return true
}

// leave gives the place at the gate back, if one is held.
func (a *attempt) leave() {
	if a.entered {
		a.entered = false
		a.gate.Leave()
	}
}

// result returns a read's error; a read of nothing is the end of the stream.
func (a *attempt) result() error {
	if a.err == nil && a.n == 0 {
		return io.EOF
	}
	return a.err
}
