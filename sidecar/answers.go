package sidecar

// What a Commands stream still has to answer. Commands are applied and answers are written at different paces: a client that
// reads slowly gets fewer, larger answers, and one that waits for none gets few.

import (
	"context"
	"sync"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

const (
	// maxFailures is how many failures one response carries: about half a megabyte. While a stream has more, it is not read any
	// further.
	maxFailures = 4096
	// answerPause is how long an answer that nobody waits for may take. maxUnasked is how many bytes of messages make it due
	// earlier: few enough that a client which limits what is unanswered need not stop.
	answerPause = 5 * time.Millisecond
	maxUnasked  = 128 << 10
)

// answers collects answers. One goroutine calls next; the other methods may be called concurrently.
type answers struct {
	mu       sync.Mutex
	changed  chan struct{} // has room for one signal to next
	room     chan struct{} // has room for one signal to full
	applied  uint64        // every command up to this number was applied, or has failed
	answered uint64        // what the last response said
	failures []*pb.CommandFailure
	due      bool        // the answer is to be written now
	unasked  int         // bytes of the messages whose answer is not due yet; pause runs while there are any
	pause    *time.Timer // makes the answer due
	ended    bool
	err      error // why, once ended
}

func newAnswers(applied uint64) *answers {
	a := &answers{
		changed:  make(chan struct{}, 1),
		room:     make(chan struct{}, 1),
		applied:  applied,
		answered: applied,
	}
	a.pause = time.AfterFunc(answerPause, a.hurry)
	a.pause.Stop()
	return a
}

// add says how far commands were applied, and which of them failed. unasked is the size of their message in bytes if nobody
// waits for the answer, else 0.
func (a *answers) add(applied uint64, failures []*pb.CommandFailure, unasked int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.applied = applied
	a.failures = append(a.failures, failures...)
	switch {
	case a.ended:
	case unasked == 0 || len(failures) > 0 || a.unasked+unasked >= maxUnasked:
		a.due = true
		signal(a.changed)
	default:
		if a.unasked == 0 {
			a.pause.Reset(answerPause)
		}
		a.unasked += unasked
	}
}

// hurry makes everything due.
func (a *answers) hurry() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = true
	signal(a.changed)
}

// end says that nothing will be added any more, and makes the rest due. next returns err when all is answered. Only the first
// call counts.
func (a *answers) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	a.ended, a.due, a.err = true, true, err
	a.pause.Stop()
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
	if !a.due {
		return nil, false, nil
	}
	if len(a.failures) > maxFailures {
		taken := a.failures[:maxFailures]
		a.failures = a.failures[maxFailures:]
		a.answered = taken[maxFailures-1].GetNumber() // failures come in the order of their numbers
		signal(a.room)
		return &pb.CommandsResponse{AppliedNumber: a.answered, Failures: taken}, false, nil
	}
	a.due, a.unasked = a.ended, 0
	a.pause.Stop()
	if a.applied == a.answered {
		return nil, a.ended, a.err
	}
	response = &pb.CommandsResponse{AppliedNumber: a.applied, Failures: a.failures}
	a.answered, a.failures = a.applied, nil
	signal(a.room)
	return response, false, nil
}

// full waits while more failures are unanswered than one response carries, at most until ctx ends.
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

// signal wakes the goroutine that waits on c, now or when it waits next.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
