package endpoint

import (
	"io"

	"github.com/pengbridge/pengbridge/core/event"
)

// attempt is one non-blocking read or write of a socket through its syscall.RawConn. It is kept in the connection together
// with the function that RawConn calls, so that an attempt allocates nothing.
type attempt struct {
	call func(fd uintptr) (done bool) // the function; it works on the attempt it was made for

	gate event.Gate // asked before a read; nil: nobody is
	shut bool       // the gate was shut: nothing was read
	// entered says that a place at the gate is held, which receive gives back.
	entered bool

	buf *[]byte // what was read; nil if nothing was
	p   []byte  // what to write
	n   int     // bytes read or written
	err error
}

// init makes the function that RawConn calls.
func (a *attempt) init(do func(a *attempt, fd uintptr) (done bool)) {
	a.call = func(fd uintptr) bool { return do(a, fd) }
}

// result returns a read's error; a read of nothing is the end of the stream.
func (a *attempt) result() error {
	if a.err == nil && a.n == 0 {
		return io.EOF
	}
	return a.err
}
