package endpoint

// What one connection holds of the Budget, and its end when that is too much.

import (
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

// hold counts the memory of the frame whose rest has not come yet. Only the reader calls it.
func (c *conn) hold(bytes int) {
	if bytes > 0 && c.ending() { // let go before the next read
		bytes = 0
	}
	c.countPartial(int64(bytes))
}

// letGo gives back the memory of a frame that will not be finished. Nothing must be fed to the inbound any more.
func (c *conn) letGo() {
	c.inbound.Release()
	c.countPartial(0)
}

func (c *conn) countPartial(bytes int64) {
	if before := c.partial.Swap(bytes); before != bytes {
		c.e.budget.count(bytes - before)
	}
}

// held returns how many bytes of memory the connection holds, which others may hold with it.
func (c *conn) held() int64 { return c.queue.memory.Load() + c.partial.Load() }

// shed ends the connection because it holds most. The peer is told, unless it is behind with reading. What the connection
// held is not counted any more when shed returns, though its goroutines may need a moment to let go of it.
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
