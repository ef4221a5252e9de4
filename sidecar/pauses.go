package sidecar

import (
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An operator wants to know when reading is held up, but an application that is just fast enough, and so hovers around the limit,
// must not fill a disk with that. So some pauses are logged at once, and then one now and then. A pause that lasts is logged in
// any case, if late: the application may hang.
const (
	pausesAtOnce = 10
	pauseEvery   = 10 * time.Second
)

// pauses writes an endpoint's log lines about reading being held up. (Metrics count all pauses.) It must be ended.
type pauses struct {
	logger  *slog.Logger
	limiter *rate.Limiter

	mu       sync.Mutex
	unlogged int         // pauses that were not logged since the last line
	paused   bool        // reading is held up at present
	logged   bool        // the present pause was logged, so its end will be
	lasting  *time.Timer // runs during a pause that was not logged
}

func newPauses(logger *slog.Logger) *pauses {
	p := &pauses{logger: logger, limiter: rate.NewLimiter(rate.Every(pauseEvery), pausesAtOnce)}
	p.lasting = time.AfterFunc(pauseEvery, p.lasts)
	p.lasting.Stop()
	return p
}

// tell is told that a pause begins or ends. Calls must not overlap.
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

// lasts logs the present pause, unless it has ended in this very moment.
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

// end stops the timer. The endpoint has ended, and reads no more.
func (p *pauses) end() { p.lasting.Stop() }
