package endpoint_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// valve is a gate that a test opens and shuts by hand.
type valve struct {
	*recorder
	mu     sync.Mutex
	open   chan struct{} // closed while the gate is open
	shutAt time.Time     // zero while it is open
	paused time.Duration
	full   bool
	inside int // places held
	line   int // how many wait
}

func newValve() *valve {
	v := &valve{recorder: newRecorder(), open: make(chan struct{})}
	close(v.open)
	return v
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open, v.shutAt = make(chan struct{}), time.Now()
}

func (v *valve) reopen() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.paused += time.Since(v.shutAt)
	v.shutAt = time.Time{}
	close(v.open)
}

func (v *valve) setFull(full bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.full = full
}

func (v *valve) TryEnter() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shutAt.IsZero() {
		v.inside++
		return true
	}
	return false
}

func (v *valve) Enter(done <-chan struct{}) bool {
	for {
		v.mu.Lock()
		if v.shutAt.IsZero() {
			v.inside++
			v.mu.Unlock()
			return true
		}
		open := v.open
		v.line++
		v.mu.Unlock()
		entered := true
		select {
		case <-open:
		case <-done:
			entered = false
		}
		v.mu.Lock()
		v.line--
		v.mu.Unlock()
		if !entered {
			return false
		}
	}
}

func (v *valve) Leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.inside--
}

func (v *valve) Full() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.full
}

func (v *valve) Paused() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.shutAt.IsZero() {
		return v.paused
	}
	return v.paused + time.Since(v.shutAt)
}

func (v *valve) counts() (inside, line int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.inside, v.line
}

// settled waits until nobody holds a place, and so many wait for one.
func (v *valve) settled(tb testing.TB, waiting int) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		inside, line := v.counts()
		return inside == 0 && line == waiting
	}, patience, time.Millisecond, "places at the gate are given back, and only readers with something to read wait in line")
}

// shutFor waits until the gate has been shut for a while.
func (v *valve) shutFor(tb testing.TB, d time.Duration) {
	tb.Helper()
	require.Eventually(tb, func() bool { return v.Paused() > d }, patience, time.Millisecond)
}
