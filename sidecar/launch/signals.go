package launch

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Signals turns the process's signals into two steps: the first request to end asks for a drain, the second forces the end.
// It is the business of the process's main function alone; there must be one at a time.
type Signals struct {
	drain, force chan struct{}
	incoming     chan os.Signal
	done         chan struct{}
	wg           sync.WaitGroup
}

// WatchSignals begins to listen. SIGTERM asks to end. A spawned sidecar ignores SIGINT and SIGHUP: they come from the
// terminal, go to the whole process group, and are the parent's business; otherwise they ask to end, too. SIGPIPE is
// ignored in any case, so that a dead stdout or stderr is an error and not the end.
func WatchSignals(spawned bool) *Signals {
	s := &Signals{
		drain:    make(chan struct{}),
		force:    make(chan struct{}),
		incoming: make(chan os.Signal, 2),
		done:     make(chan struct{}),
	}
	signal.Ignore(syscall.SIGPIPE)
	signal.Notify(s.incoming, syscall.SIGTERM)
	if spawned {
		signal.Ignore(syscall.SIGINT, syscall.SIGHUP)
	} else {
		signal.Notify(s.incoming, syscall.SIGINT, syscall.SIGHUP)
	}
	s.wg.Go(s.run)
	return s
}

func (s *Signals) run() {
	for _, step := range []chan struct{}{s.drain, s.force} {
		select {
		case <-s.incoming:
			close(step)
		case <-s.done:
			return
		}
	}
}

// Drain is closed by the first request to end.
func (s *Signals) Drain() <-chan struct{} { return s.drain }

// Force is closed by the second.
func (s *Signals) Force() <-chan struct{} { return s.force }

// Close stops listening. What was ignored stays ignored, for the little that is left of the process. It is called once.
func (s *Signals) Close() {
	signal.Stop(s.incoming)
	close(s.done)
	s.wg.Wait()
}
