package endpoint

import "context"

// flushWaiter waits until a connection has written a number of bytes, or cannot any more.
type flushWaiter struct {
	mark uint64
	done chan struct{}
}

// Flush waits until everything queued before the call was handed to the kernel, or its connections have ended. If ctx ends
// first, its error is returned, and what is queued stays queued.
func (e *Endpoint) Flush(ctx context.Context) error {
	for _, c := range e.snapshot() {
		done := c.whenFlushed()
		if done == nil {
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// whenFlushed returns a channel that is closed when what is queued now was written; nil if nothing is.
func (c *conn) whenFlushed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kick() // a batch may have left something
	if c.queue.size == 0 {
		return nil
	}
	w := flushWaiter{mark: c.queued, done: make(chan struct{})}
	c.waiters = append(c.waiters, w)
	return w.done
}

// wakeFlushers wakes the waiters whose bytes are written; all of them if nothing more will be. c.mu is held.
func (c *conn) wakeFlushers() {
	kept := c.waiters[:0]
	for _, w := range c.waiters {
		if c.broken || c.flushed >= w.mark {
			close(w.done)
		} else {
			kept = append(kept, w)
		}
	}
	clear(c.waiters[len(kept):])
	c.waiters = kept
}
