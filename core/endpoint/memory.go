package endpoint

// What one connection holds of the Budget, and its end when that is too much.

import (
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

// hold counts the memory that a frame takes whose rest has not come yet. Only the reader calls it.
func (c *conn) hold(bytes int) {
	if bytes > 0 && c.ending() { // it is released before the next read
		bytes = 0
	}
	c.countPartial(int64(bytes))
}

// letGo releases the memory of a frame that will not be finished. Nothing may be fed to the inbound any more.
func (c *conn) letGo() {
	c.inbound.Release()
	c.countPartial(0)
}

func (c *conn) countPartial(bytes int64) {
	if before := c.partial.Swap(bytes); before != bytes {
		c.e.budget.count(bytes - before)
	}
}

// held returns how many bytes of memory the connection holds, some of them perhaps together with others.
func (c *conn) held() int64 { return c.queue.memory.Load() + c.partial.Load() }

// shed ends the connection because it holds the most memory. The peer is told, unless it has not read what it was sent before.
// When shed returns, nothing of the connection counts any more, though its goroutines may need a moment to release it.
func (c *conn) shed() {
	unread, partial := c.queue.memory.Load(), c.partial.Load()
	detail := fmt.Sprintf("the memory budget of %d bytes was exceeded while this connection held most: "+
		"%d bytes for packets that the peer did not read, %d for an unfinished frame", c.e.budget.limit, unread, partial)
	c.update(func(s *session.Session, now time.Time, out *session.Output) {
		reason := session.ReasonOverload
		if c.queue.size > 0 || s.Closing() {
			c.abandon(reason, detail)
		} else {
			s.Close(now, &reason, detail, out)
		}
	})
	c.countPartial(0)
}
