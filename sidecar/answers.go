package sidecar

// What a Commands stream still has to answer. Applying commands and writing answers go at their own pace: a client that is
// slow to read gets fewer, larger answers, and one that waits for none gets few.

import (
	"context"
	"sync"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

const (
	// maxFailures is how many failures one response carries: about half a megabyte. A stream that has more to say is not read
	// any further until its client has read some.
	maxFailures = 4096
	// answerPause is how long an answer that nobody waits for may take, and maxUnasked how many bytes of messages are too many
	// to be unanswered meanwhile: few enough that no client, which may hold back what it sends until more is answered, stands still.
	answerPause = 5 * time.Millisecond
	maxUnasked  = 128 << 10
)

// answers collects them. One goroutine calls next, any others the rest.
type answers struct {
	mu       sync.Mutex
	changed  chan struct{} // has room for one signal to next
	room     chan struct{} // has room for one signal to whoever waits in full
	applied  uint64        // up to here all is applied, or has failed
	answered uint64        // what the last response said
	failures []*pb.CommandFailure
	due      bool        // what there is to answer is to be answered now
	unasked  int         // bytes of the messages whose answer is not due; the timer runs while there are any
	pause    *time.Timer // makes it due
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

// add says how far commands were applied, and which of them failed. unasked is the size of their message if nobody waits for
// the answer, and 0 if somebody may.
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

// end says that no answer will be added any more; those there are become due. next returns err when all is answered. The
// first end counts.
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
