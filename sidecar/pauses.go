package sidecar

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An operator wants to know when reading is held up, and an application that is just fast enough, and so goes back and forth at
// the limit, must not be able to fill a disk with that: some pauses at once, and then one now and then, are told. One that lasts
// is told in any case, if late: the application may hang.
const (
	pausesAtOnce = 10
	pauseEvery   = 10 * time.Second
)

// pauses are an endpoint's log lines about its reading being held up. Metrics count all of them. It must be ended.
type pauses struct {
	logger  *slog.Logger
	limiter *rate.Limiter

	mu       sync.Mutex
	unlogged int         // since the last line
	paused   bool        // whether there is a pause at present
	logged   bool        // whether it was told: then its end is, too
	lasting  *time.Timer // runs in a pause that was not
}

func newPauses(logger *slog.Logger) *pauses {
	p := &pauses{logger: logger, limiter: rate.NewLimiter(rate.Every(pauseEvery), pausesAtOnce)}
	p.lasting = time.AfterFunc(pauseEvery, p.lasts)
	p.lasting.Stop()
	return p
}

// tell takes note that a pause begins or ends. Calls must not overlap.
func (p *pauses) tell(paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = paused
	p.lasting.Stop()
	if paused {
		p.logged = p.limiter.Allow()
	}
	switch {
	case p.logged:
		p.log()
	case paused:
		p.unlogged++
		p.lasting.Reset(pauseEvery)
	}
}

// lasts tells of the present pause, unless it has ended in this very moment.
func (p *pauses) lasts() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused && !p.logged {
		p.logged = true
		p.unlogged--
		p.log()
	}
}

// log is called with mu held.
func (p *pauses) log() {
	p.logger.Info("reading is held up by the backlog of events", "paused", p.paused, "others_unlogged", p.unlogged)
	p.unlogged = 0
}

// end is called when the endpoint has ended, and reads no more.
func (p *pauses) end() { p.lasting.Stop() }
