// The gate: whether there is room for another read from a socket, and which reader is next when there is none.

package eventlog

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxGrant is how many bytes one read may bring in, as event.Gate promises.
	maxGrant = 64 << 10
	// barrier is taken from a gate's room while readers must not pass by the line.
	barrier = 1 << 60
	// boundless is the room of a gate without durable subscribers, for which nothing has to be kept.
	boundless = 1 << 50
)

// gate admits readers as long as the backlog, and a grant for each reader inside, fit the limit. It closes when the
// backlog leaves no room for a single grant, and opens when the backlog is down to half; then, and whenever room is
// short, readers pass in the order in which they came.
//
// Room is one atomic number, so that passing an open gate costs no lock: the limit, less the backlog, less what is
// granted, less the barrier while the gate is closed or somebody waits in line.
type gate struct {
	maxBytes, maxEvents int64
	grant               int64 // bytes that one reader inside may bring; less than maxGrant only if the limit is very small

	room atomic.Int64
	full atomic.Bool // the backlog has reached the limit

	free   int64 // the part of room that the backlog leaves; used by update only
	closed bool  // changed by update only, under mu

	mu     sync.Mutex
	line   list.List     // of chan struct{}, closed to let its owner in
	barred bool          // the barrier is part of room
	since  time.Time     // when the gate was closed
	paused time.Duration // how long it was closed before that
	pauses uint64
}

func (g *gate) init(maxBytes, maxEvents int) {
	g.maxBytes, g.maxEvents = int64(maxBytes), int64(maxEvents)
	g.grant = min(maxGrant, g.maxBytes/4)
}

// tryEnter admits one reader if there is room and nobody waits.
func (g *gate) tryEnter() bool {
	for {
		room := g.room.Load()
		if room < g.grant {
			return false
		}
		if g.room.CompareAndSwap(room, room-g.grant) {
			return true
		}
	}
}

// enter admits one reader, who waits in line for it until done is closed.
func (g *gate) enter(done <-chan struct{}) bool {
	if g.tryEnter() {
		return true
	}
	admitted := make(chan struct{})
	g.mu.Lock()
	place := g.line.PushBack(admitted)
	g.admit()
	g.mu.Unlock()
	select {
	case <-admitted:
		return true
	case <-done:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-admitted:
		return true // at the same moment; the grant is ours to give back
	default:
	}
	g.line.Remove(place)
	g.admit()
	return false
}

// leave gives one reader's grant back.
func (g *gate) leave() {
	if g.room.Add(g.grant) < 0 {
		g.mu.Lock()
		g.admit()
		g.mu.Unlock()
	}
}

// update takes note of a new backlog; without gating, there is no subscriber whose backlog matters. It reports whether that has
// opened or closed the gate. Calls must not overlap.
func (g *gate) update(bytes, events int64, gating bool) (turned bool) {
	free := int64(boundless)
	if gating {
		free = g.maxBytes - bytes
	}
	room := g.room.Add(free - g.free)
	g.free = free
	if full := bytes >= g.maxBytes || events >= g.maxEvents; g.full.Load() != full {
		g.full.Store(full)
	}
	if g.closed {
		turned = bytes <= g.maxBytes/2 && events <= g.maxEvents/2
	} else {
		turned = free < g.grant || events >= g.maxEvents
	}
	if !turned && room >= 0 {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case turned && g.closed:
		g.closed = false
		g.paused += time.Since(g.since)
	case turned:
		g.closed = true
		g.since = time.Now()
		g.pauses++
	}
	g.admit()
	return turned
}

// admit lets in the first readers of the line as far as there is room, and then sets or lifts the barrier. g.mu is held.
func (g *gate) admit() {
	if !g.barred && (g.closed || g.line.Len() > 0) {
		g.barred = true
		g.room.Add(-barrier)
	}
	for !g.closed && g.line.Len() > 0 && g.room.Load()+barrier >= g.grant {
		g.room.Add(-g.grant)
		close(g.line.Remove(g.line.Front()).(chan struct{}))
	}
	if g.barred && !g.closed && g.line.Len() == 0 {
		g.barred = false
		g.room.Add(barrier)
	}
}

// state returns whether the gate is closed, how often it was closed, and for how long in total.
func (g *gate) state() (closed bool, pauses uint64, paused time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	paused = g.paused
	if g.closed {
		paused += time.Since(g.since)
	}
	return g.closed, g.pauses, paused
}
