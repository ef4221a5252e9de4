package endpoint

import (
	"bytes"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

// write sends bytes or queues them. An owned p may be kept and must not change any more. c.mu is held.
func (c *conn) write(p []byte, owned bool) {
	if c.broken || len(p) == 0 {
		return
	}
	if c.queue.size == 0 && c.raw != nil {
		n := c.try(p)
		if c.broken || n == len(p) {
			return
		}
		p = p[n:]
	}
	c.enqueue(p, owned)
	c.kick()
}

// enqueue adds bytes to the queue without trying to write them. c.mu is held.
func (c *conn) enqueue(p []byte, owned bool) {
	if !owned && len(p) > maxCopied {
		p = bytes.Clone(p)
	}
	c.queue.push(p)
	c.queued += uint64(len(p))
}

// fits reports whether a packet of n bytes may be queued: always into an empty queue. c.mu is held.
func (c *conn) fits(n int) bool {
	return c.queue.size == 0 || c.queue.size+n <= c.e.limits.SendQueue
}

// overflow ends the connection of a peer that does not read. c.mu is held.
func (c *conn) overflow(s *session.Session, out *session.Output) {
	reason := session.ReasonSendQueueFull
	s.Cut(&reason, "more was sent to the peer than it reads")
	c.giveUp()
	c.carryOut(out)
	_ = c.tcp.Close() // the peer's side of the queue is lost, too: there is no place in the stream to tell it
}

// try makes one attempt to write, and returns how many bytes the kernel took. c.mu is held, and nothing is queued before p.
func (c *conn) try(p []byte) int {
	t := &c.trying
	t.p, t.n, t.err = p, 0, nil
	err := c.raw.Write(t.call)
	t.p = nil
	if err != nil || t.err != nil {
		c.giveUp()
		return 0
	}
	c.countWritten(t.n)
	return t.n
}

func (c *conn) countWritten(n int) {
	c.bytesSent.Add(uint64(n))
	c.e.counters.bytesSent.Add(uint64(n))
}

// kick writes what the kernel takes at once, and leaves the rest to a writer. c.mu is held.
func (c *conn) kick() {
	if c.writing {
		return
	}
	for c.raw != nil && !c.queue.empty() {
		chunk, pooled := c.queue.take()
		n := c.try(chunk)
		c.wrote(n)
		if c.broken {
			c.queue.written(len(chunk) - n)
			return
		}
		if n < len(chunk) {
			c.queue.putBack(chunk[n:])
			break
		}
		recycle(chunk, pooled)
	}
	if !c.queue.empty() {
		c.writing = true
		c.e.working.Go(c.drain)
	}
}

// wrote says that n queued bytes were written. c.mu is held.
func (c *conn) wrote(n int) {
	c.queue.written(n)
	c.flushed += uint64(n)
	if len(c.waiters) > 0 {
		c.wakeFlushers()
	}
}

// drain is the writer: it waits for the peer, and ends when the queue is empty or the socket takes no more.
func (c *conn) drain() {
	c.mu.Lock()
	for !c.queue.empty() && !c.broken {
		chunk, pooled := c.queue.take()
		c.mu.Unlock()
		n, err := c.push(chunk)
		c.mu.Lock()
		c.wrote(n)
		c.queue.written(len(chunk) - n)
		if err != nil {
			c.giveUp()
			if isTimeout(err) {
				reason := session.ReasonSendQueueFull
				c.sess.Cut(&reason, "the peer took nothing for "+c.e.limits.WriteStallTimeout.String())
				_ = c.tcp.Close() // wakes the reader
			}
			break
		}
		recycle(chunk, pooled)
	}
	c.writing = false
	if c.sess.Closing() {
		out := output()
		c.conclude(out)
		release(out)
	}
	c.mu.Unlock()
}

// piece is how much is written under one deadline: a peer that takes that much within the stall time makes progress.
const piece = 64 << 10

// push writes a chunk, waiting for the peer as long as it makes progress.
func (c *conn) push(chunk []byte) (written int, err error) {
	for written < len(chunk) && err == nil {
		if err := c.tcp.SetWriteDeadline(time.Now().Add(c.e.limits.WriteStallTimeout)); err != nil {
			return written, err
		}
		end := min(written+piece, len(chunk))
		var n int
		n, err = c.nc.Write(chunk[written:end])
		written += n
		c.countWritten(n)
		if isTimeout(err) && n > 0 {
			err = nil
		}
	}
	return written, err
}
