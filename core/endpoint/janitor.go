package endpoint

import (
	"time"

	"github.com/pengbridge/pengbridge/core/session"
)

// runJanitor ends connections whose time is up, and those that hold most when the budget is exceeded. It is one goroutine for
// all of them, so that idle connections cost nothing; it ends with the endpoint.
func (e *Endpoint) runJanitor() {
	ticker := time.NewTicker(e.limits.sweep())
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			now := e.clock()
			for _, c := range e.snapshot() {
				c.judge(now)
			}
		case <-e.budget.wake():
			e.budget.shed()
		case <-e.quit:
			return
		}
	}
}

// sweep returns how often the janitor looks: every quarter of the shortest timeout, but every 5 ms at most and every second at
// least.
func (l Limits) sweep() time.Duration {
	shortest := 4 * time.Second
	for _, d := range []time.Duration{l.HandshakeTimeout, l.FrameStallTimeout, l.IdleTimeout} {
		if d > 0 {
			shortest = min(shortest, d)
		}
	}
	return max(shortest/4, 5*time.Millisecond)
}

// judge ends the connection if its time is up at now, on the endpoint's clock.
func (c *conn) judge(now time.Duration) {
	c.mu.Lock()
	closing, active, deadline := c.sess.Closing(), c.sess.Active(), c.deadline
	c.mu.Unlock()
	silent := now - time.Duration(c.heard.Load())
	limits := &c.e.limits
	end := func(reason, detail string) { _ = c.close(&reason, detail) } // no matter if something else has closed it meanwhile
	switch {
	case closing && time.Since(c.e.created) > deadline:
		c.cut(nil, "") // the reason is known already
	case closing:
	case !active && now-c.began > limits.HandshakeTimeout:
		end(session.ReasonHandshakeTimeout, "the handshake was not complete after "+limits.HandshakeTimeout.String())
	case c.partial.Load() > 0 && silent > limits.FrameStallTimeout:
		end(session.ReasonFrameTimeout, "a frame was begun, and nothing more came for "+limits.FrameStallTimeout.String())
	case active && limits.IdleTimeout > 0 && silent > limits.IdleTimeout:
		end(session.ReasonIdleTimeout, "nothing came for "+limits.IdleTimeout.String())
	}
}
