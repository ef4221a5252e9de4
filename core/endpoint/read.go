package endpoint

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

const (
	// readSize is how much one read takes at most. It is also what an event.Gate grants at a time.
	readSize = 64 << 10
	// packetsAtOnce is how many packets are handled under one lock, and reported in one call.
	packetsAtOnce = 256
)

// readBuffers are in use only while bytes are being handled: an idle connection has none.
var readBuffers = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}

// serve reads the connection until its end. It is the connection's goroutine; it ends when the socket's stream does, or
// when the connection was closed and the peer had its time to read why.
func (c *conn) serve() {
	defer c.e.retire(c)
	defer func() { _ = c.nc.Close() }() // for the last time; whoever cut the connection closed it before
	defer c.inbound.Release()
	if !c.protect() {
		return
	}
	for {
		buf, n, err := c.read()
		if n > 0 {
			c.receive((*buf)[:n])
		}
		if buf != nil {
			readBuffers.Put(buf)
		}
		switch {
		case err == nil:
		case errors.Is(err, errConcluded):
			c.linger()
			return
		default:
			c.streamEnded(err)
			return
		}
	}
}

// errConcluded ends the reading of a connection whose close was reported.
var errConcluded = errors.New("the connection is concluded")

// read waits for bytes and returns them in a pooled buffer, which may come with an error.
func (c *conn) read() (buf *[]byte, n int, err error) {
	if c.raw == nil {
		buf, n, err = c.readBlocking()
	} else {
		buf, n, err = c.readReady()
	}
	if err != nil && isTimeout(err) {
		err = errConcluded // conclude sets the only read deadline there is
	}
	return buf, n, err
}

// readReady reads what is there, once the gate lets it. The gate is asked only when there is something to read: a
// connection that is silent holds no place in its line.
func (c *conn) readReady() (*[]byte, int, error) {
	gate := c.e.gate
	for {
		r := &c.reading
		*r = attempt{call: r.call, gate: gate}
		if err := c.raw.Read(r.call); err != nil {
			return nil, 0, err
		}
		if !r.shut {
			return r.buf, r.n, r.result()
		}
		if !gate.Enter(c.closing) {
			gate = nil // closing: what comes is thrown away
			continue
		}
		// A place in line was granted. Take what is there; the bytes that were seen cannot have gone.
		*r = attempt{call: r.call, entered: true}
		if err := c.raw.Read(r.call); err != nil {
			return nil, 0, err
		}
		return r.buf, r.n, r.result()
	}
}

// readBlocking is for connections that cannot be asked whether there is something to read.
func (c *conn) readBlocking() (*[]byte, int, error) {
	buf := readBuffers.Get().(*[]byte)
	n, err := c.nc.Read(*buf)
	if n > 0 && c.e.gate != nil {
		c.reading.entered = c.e.gate.Enter(c.closing)
	}
	return buf, n, err
}

// receive handles received bytes: decoding without the lock, deciding with it.
func (c *conn) receive(p []byte) {
	c.bytesReceived.Add(uint64(len(p)))
	c.e.counters.bytesReceived.Add(uint64(len(p)))
	c.heard.Store(int64(c.e.clock()))
	packets, err := c.handle(p)
	c.inbound.Settle()
	c.inFrame.Store(c.inbound.Pending() > 0)
	if c.reading.entered {
		c.reading.entered = false
		c.e.gate.Leave()
	}
	if err != nil {
		c.update(func(s *session.Session, now time.Time, out *session.Output) { s.Refuse(now, err, out) })
	}
	if c.pace != nil {
		c.pace.wait(packets, len(p), c.closing)
	}
}

// handle lets the session receive what is in p. It returns the number of packets, and why the peer's bytes make no sense.
func (c *conn) handle(p []byte) (packets int, err error) {
	out := output()
	defer release(out)
	c.inbound.Feed(p)
	var batch [packetsAtOnce]session.Packet
	for {
		limit, atOnce := c.admits()
		n := 0
		for ; n < atOnce; n++ {
			var ok bool
			if batch[n], ok, err = c.inbound.Next(limit); !ok {
				break
			}
		}
		if n > 0 {
			packets += n
			c.receivePackets(batch[:n], out)
		}
		if n < atOnce || err != nil {
			c.packetsReceived.Add(uint64(packets))
			c.e.counters.packetsReceived.Add(uint64(packets))
			return packets, err
		}
	}
}

// admits returns how large a body may be, and how many packets may be taken under that limit: only one while the handshake
// goes on, because it may change the limit.
func (c *conn) admits() (limit, atOnce int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sess.Active() {
		return c.sess.BodyLimit(), packetsAtOnce
	}
	return c.sess.BodyLimit(), 1
}

func (c *conn) receivePackets(packets []session.Packet, out *session.Output) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range packets {
		c.sess.Receive(now, p, out)
	}
	c.carryOut(out)
	if c.active != nil && c.sess.Active() {
		c.announceActive()
	}
}

// announceActive tells a Dial that waits for the handshake. c.mu is held.
func (c *conn) announceActive() {
	select {
	case <-c.active:
	default:
		close(c.active)
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
