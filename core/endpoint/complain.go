package endpoint

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/pengbridge/pengbridge/core/session"
)

// An operator wants to know which connections were closed because of a limit, or did not speak the protocol, but an attacker
// must not be able to fill a disk with that. So there are some lines at once and then one a second; each says how many were
// left out before it.
const (
	complaintsAtOnce    = 20
	complaintsPerSecond = 1
)

// complaints are an endpoint's log lines about peers. Its methods may be called concurrently.
type complaints struct {
	limiter  *rate.Limiter
	unlogged atomic.Int64 // how many were left out since the last line
}

func newComplaints() complaints {
	return complaints{limiter: rate.NewLimiter(complaintsPerSecond, complaintsAtOnce)}
}

// complain logs why a connection ended, if a rule of ours ended it. c.mu is not held.
func (c *conn) complain() {
	c.mu.Lock()
	cause := c.sess.Cause()
	_, detail := c.sess.Reason()
	c.mu.Unlock()
	level := slog.LevelInfo
	switch cause {
	case session.CausePeer, session.CauseStreamEnd, session.CauseApplication:
		return
	case session.ReasonOverload:
		level = slog.LevelWarn
	}
	if !c.e.complaints.limiter.Allow() {
		c.e.complaints.unlogged.Add(1)
		return
	}
	c.e.logger.Log(context.Background(), level, "closed a connection",
		"conn", c.id, "peer", joinAddr(c.peer), "reason", cause, "detail", detail, "others_unlogged", c.e.complaints.unlogged.Swap(0))
}
