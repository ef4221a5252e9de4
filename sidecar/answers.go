package sidecar

// What a Commands stream still has to answer. Applying commands and writing answers go at their own pace: a client that is
// slow to read gets fewer, larger answers.

import (
	"context"
	"sync"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// maxFailures is how many failures one response carries: about half a megabyte. A stream that has more to say is not read
// any further until its client has read some.
const maxFailures = 4096

// answers collects them. One goroutine calls next, any others the rest.
type answers struct {
	mu       sync.Mutex
	changed  chan struct{} // has room for one signal to next
	room     chan struct{} // has room for one signal to whoever waits in full
	applied  uint64        // up to here all is applied, or has failed
	answered uint64        // what the last response said
	failures []*pb.CommandFailure
	ended    bool
	err      error // why, once ended
}

func newAnswers(applied uint64) *answers {
	return &answers{
		changed:  make(chan struct{}, 1),
		room:     make(chan struct{}, 1),
		applied:  applied,
		answered: applied,
	}
}

// add says how far commands were applied, and which of them failed.
func (a *answers) add(applied uint64, failures []*pb.CommandFailure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.applied = applied
	a.failures = append(a.failures, failures...)
	signal(a.changed)
}

// end says that nothing is added any more. next returns err when all is answered.
func (a *answers) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended, a.err = true, err
	signal(a.changed)
}

// next waits for something to answer. It returns nil when all is answered: then err says how the stream ends.
func (a *answers) next(ctx context.Context) (*pb.CommandsResponse, error) {
	for {
		if response, ended, err := a.take(); response != nil || ended {
			return response, err
		}
		select {
		case <-a.changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take returns what there is to answer now.
func (a *answers) take() (response *pb.CommandsResponse, ended bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.applied == a.answered && len(a.failures) == 0 {
		return nil, a.ended, a.err
	}
	taken := a.failures[:min(len(a.failures), maxFailures)]
	a.failures = a.failures[len(taken):]
	if len(a.failures) == 0 {
		a.answered = a.applied
		a.failures = nil
	} else {
		a.answered = taken[len(taken)-1].GetNumber() // failures come in the order of their numbers
	}
	signal(a.room)
	return &pb.CommandsResponse{AppliedNumber: a.answered, Failures: taken}, false, nil
}

// full waits while more failures are unanswered than one response carries.
func (a *answers) full(ctx context.Context) {
	for {
		a.mu.Lock()
		n := len(a.failures)
		a.mu.Unlock()
		if n <= maxFailures {
			return
		}
		select {
		case <-a.room:
		case <-ctx.Done():
			return
		}
	}
}

// signal wakes the one who waits on c, now or when it waits next.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
