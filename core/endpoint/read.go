package endpoint

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

const (
	// readSize is how much one read takes at most. It is also what an event.Gate grants at a time.
	readSize = 64 << 10
	// waitSize is how much a read takes at most that has to hold its buffer while it waits.
	waitSize = 4 << 10
)

// readBuffers and waitBuffers are in use only while bytes are being handled: an idle connection has none, unless it has to
// hold its buffer while it waits.
var (
	readBuffers = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}
	waitBuffers = sync.Pool{New: func() any { b := make([]byte, waitSize); return &b }}
)

// serve reads the connection until it is active, and then hands it over to another goroutine: by then its stack has grown to
// twice what waiting needs, with TLS to more, and stacks in use do not shrink below that. The connection's goroutine ends when
// the socket's stream does, or when the connection was closed and the peer had time to read why.
func (c *conn) serve() {
	if c.protect() && c.readOn(true) {
		c.e.working.Go(c.serveActive)
		return
	}
	c.leave()
}

// serveActive does the rest of serve.
func (c *conn) serveActive() {
	c.readOn(false)
	c.leave()
}

// leave ends the connection's goroutine.
func (c *conn) leave() {
	c.letGo()
	_ = c.nc.Close() // if the connection was cut, it is closed already
	c.complain()
	c.e.retire(c)
}

// readOn reads until the stream has ended, and returns false then, or until the connection is active, if that is asked for.
func (c *conn) readOn(untilActive bool) bool {
	for !untilActive || !c.joined {
		buf, n, err := c.read()
		if n > 0 {
			c.receive(buf, n)
		}
		c.reading.leave()
		keep(buf)
		if n == readSize {
			// There is more, and nothing to wait for: without this, each of many such peers would keep a processor until
			// the scheduler takes it away after 10 ms, and an answer to anybody else would take seconds.
			runtime.Gosched()
		}
		switch {
		case err == nil:
		case errors.Is(err, errConcluded):
			c.letGo()
			c.linger()
			return false
		default:
			c.streamEnded(err)
			return false
		}
	}
	return true
}

// keep gives a read buffer back.
func keep(buf *[]byte) {
	switch {
	case buf == nil:
	case len(*buf) == readSize:
		readBuffers.Put(buf)
	default:
		waitBuffers.Put(buf)
	}
}

// errConcluded ends the reading of a connection whose close was reported.
var errConcluded = errors.New("the connection is concluded")

// read waits for bytes, and returns how many came, in a pooled buffer, or in the inbound's Room if buf is nil. They may come
// with an error.
func (c *conn) read() (buf *[]byte, n int, err error) {
	if c.raw == nil {
		buf, n, err = c.readBlocking()
	} else {
		buf, n, err = c.readReady()
	}
	if err != nil && isTimeout(err) {
		err = errConcluded // conclude sets the only deadline there is while serve reads
	}
	return buf, n, err
}

// readReady reads what is there, once the gate lets it. A silent connection holds no place at the gate, and none in its
// line.
func (c *conn) readReady() (*[]byte, int, error) {
	r := &c.reading
	r.reset(c.e.gate, c.pace.readSize(), c.inbound.Room())
	for {
		if err := c.raw.Read(r.call); err != nil {
			return nil, 0, err
		}
		if !r.shut {
			return r.buf, r.n, r.result()
		}
		if r.shut = false; !r.queue(c.closing) {
			r.gate = nil // closing: what comes is thrown away
		}
	}
}

// readBlocking is for connections that cannot be asked whether there is something to read. They hold a small buffer while they
// wait, and a large one after reads that filled the small one.
func (c *conn) readBlocking() (*[]byte, int, error) {
	pool := &waitBuffers
	if c.filled {
		pool = &readBuffers
	}
	r := &c.reading
	r.reset(c.e.gate, c.pace.readSize(), c.inbound.Room())
	to := r.target(pool)
	n, err := c.nc.Read(to)
	c.filled = n >= waitSize
	if n > 0 {
		r.queue(c.closing)
	}
	return r.buf, n, err
}

// receive handles n bytes that read has returned. Once the end is decided, bytes are thrown away.
func (c *conn) receive(buf *[]byte, n int) {
	c.bytesReceived.Add(uint64(n))
	c.e.counters.bytesReceived.Add(uint64(n))
	if c.ending() {
		c.letGo()
		return
	}
	c.heard.Store(int64(c.e.clock()))
	if buf == nil {
		c.inbound.Filled(n)
	} else {
		c.inbound.Feed((*buf)[:n])
	}
	packets, err := c.handle()
	c.hold(c.inbound.Held())
	if err != nil {
		c.update(func(s *session.Session, now time.Time, out *session.Output) { s.Refuse(now, err, out) })
	}
	c.rest(packets, n)
}

// rest waits until a connection with limits on its pace may go on. Meanwhile it gives up its place at the gate, and the wait does
// not count as the peer's silence.
func (c *conn) rest(packets, bytes int) {
	delay := c.pace.owe(packets, bytes)
	if delay <= 0 {
		return
	}
	c.e.counters.paced.Add(1)
	c.reading.leave()
	c.heard.Store(int64(c.e.clock() + delay))
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closing:
	}
}

// streamEnded says that the peer's stream has ended, with io.EOF or an error.
func (c *conn) streamEnded(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		err = nil
	}
	c.update(func(s *session.Session, _ time.Time, _ *session.Output) {
		s.StreamEnd(err, c.inbound.Pending() > 0)
		c.giveUp()
	})
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
