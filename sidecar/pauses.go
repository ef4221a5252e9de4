package sidecar

import (
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// An operator wants to know when reading is held up, and an application that is just fast enough, and so goes back and forth at
// the limit, must not be able to fill a disk with that: some pauses at once, and then one now and then, are told.
const (
	pausesAtOnce = 10
	pauseEvery   = 10 * time.Second
)

// pauses are an endpoint's log lines about its reading being held up. Metrics count all of them.
type pauses struct {
	logger   *slog.Logger
	limiter  *rate.Limiter
	unlogged int  // since the last line
	logged   bool // whether the present pause was: then its end is, too
}

func newPauses(logger *slog.Logger) *pauses {
	return &pauses{logger: logger, limiter: rate.NewLimiter(rate.Every(pauseEvery), pausesAtOnce)}
}

// tell logs that a pause begins or ends, unless there were too many of late. Calls must not overlap.
func (p *pauses) tell(paused bool) {
	if paused {
		p.logged = p.limiter.Allow()
	}
	if !p.logged {
		if paused {
			p.unlogged++
		}
		return
	}
	p.logger.Info("reading is held up by the backlog of events", "paused", paused, "others_unlogged", p.unlogged)
	p.unlogged = 0
}
