package endpoint

import (
	"bytes"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

// write sends a frame or queues it. c.mu is held.
func (c *conn) write(f frame) {
	if c.broken || len(f.bytes) == 0 {
		return
	}
	if c.queue.size == 0 && c.raw != nil {
		n := c.try(f.bytes)
		if c.broken || n == len(f.bytes) {
			return
		}
		f.bytes = f.bytes[n:]
	}
	c.enqueue(f)
	c.kick()
}

// enqueue adds a frame to the queue without trying to write it. c.mu is held.
func (c *conn) enqueue(f frame) {
	if f.memory == 0 && len(f.bytes) > maxCopied {
		f = ownedFrame(bytes.Clone(f.bytes))
	}
	c.queue.push(f)
	c.queued += uint64(len(f.bytes))
}

// fits reports whether n bytes may be queued; into an empty queue they always may. What a batch has not yet tried to write is
// not the peer's fault, so that is tried first. c.mu is held.
func (c *conn) fits(n int) bool {
	limit := c.e.limits.SendQueue
	if c.sess.Stranger() {
		limit = min(limit, strangersQueue)
	}
	if c.queue.size > 0 && c.queue.size+n > limit {
		c.kick()
	}
	return c.queue.size == 0 || c.queue.size+n <= limit
}

// strangersQueue is how many bytes may wait for a peer that gets answers without completing a handshake.
const strangersQueue = 1 << 20

// overflow ends the connection of a peer that does not read. c.mu is held.
func (c *conn) overflow(out *session.Output) {
	c.abandon(session.ReasonSendQueueFull, deaf)
	c.carryOut(out)
}

// deaf is the detail of a queue that overflowed.
const deaf = "more was sent to the peer than it reads"

// abandon decides the end of the connection of a peer that does not read, and so cannot be told why. c.mu is held.
func (c *conn) abandon(reason, detail string) {
	c.sess.Cut(&reason, detail)
	c.giveUp()
	_ = c.tcp.Close() // wakes the reader
}

// writes are attempts to write, in use only while one is made: an idle connection has none.
var writes = sync.Pool{New: func() any {
	a := new(attempt)
	a.init(writeOnce)
	return a
}}

// try makes one attempt to write, and returns how many bytes the kernel took. c.mu is held, and nothing is queued before p.
func (c *conn) try(p []byte) int {
	a := writes.Get().(*attempt)
	a.p, a.n, a.err = p, 0, nil
	err := c.raw.Write(a.call)
	n, failed := a.n, err != nil || a.err != nil
	a.p = nil
	writes.Put(a)
	if failed {
		c.giveUp()
		return 0
	}
	c.countWritten(n)
	return n
}

func (c *conn) countWritten(n int) {
	c.bytesSent.Add(uint64(n))
	c.e.counters.bytesSent.Add(uint64(n))
}

// kick writes what the kernel takes of the queue at once, and leaves the rest to a writer. c.mu is held.
func (c *conn) kick() {
	if c.writing {
		return
	}
	for c.raw != nil && !c.queue.empty() {
		oldest := c.queue.take()
		n := c.try(oldest.bytes)
		c.wrote(n)
		if c.broken {
			c.queue.written(len(oldest.bytes))
			c.queue.release(oldest)
			return
		}
		if n < len(oldest.bytes) {
			c.queue.putBack(oldest, n)
			break
		}
		c.queue.release(oldest)
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

// drain is the writer: it waits for the peer, and ends when the queue is empty or the socket is broken.
func (c *conn) drain() {
	c.mu.Lock()
	for !c.queue.empty() && !c.broken {
		oldest := c.queue.take()
		c.mu.Unlock()
		n, err := c.writeOut(oldest.bytes)
		c.mu.Lock()
		c.wrote(n)
		c.queue.written(len(oldest.bytes) - n)
		c.queue.release(oldest)
		if err != nil {
			if isTimeout(err) {
				c.abandon(session.ReasonSendQueueFull, "the peer took nothing for "+c.e.limits.WriteStallTimeout.String())
			} else {
				c.giveUp()
			}
			break
		}
	}
	_ = c.tcp.SetWriteDeadline(time.Time{}) // or a later attempt to write would fail at once
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

// writeOut writes bytes, waiting for the peer as long as it makes progress.
func (c *conn) writeOut(p []byte) (written int, err error) {
	for written < len(p) && err == nil {
		if err := c.tcp.SetWriteDeadline(time.Now().Add(c.e.limits.WriteStallTimeout)); err != nil {
			return written, err
		}
		var n int
		n, err = c.nc.Write(p[written:min(written+piece, len(p))])
		written += n
		c.countWritten(n)
		if isTimeout(err) && n > 0 {
			err = nil
		}
	}
	return written, err
}
