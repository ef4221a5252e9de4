package endpoint

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// Budget bounds the memory that all endpoints which share it take for their peers: the beginnings of frames whose rest has
// not come, and packets that peers have not read yet. It counts the memory of the endpoints' event logs as well, if
// CountLog is told of it. All methods may be called concurrently; a nil Budget bounds nothing.
//
// Connections together may hold what the logs leave of the limit, and a quarter of the limit in any case: closing a
// connection empties no log, so logs alone never cost one. (What bounds a log is its own event.Gate.) Beyond that, the
// connection that holds most is closed with the reason "overload", then the next, until the others fit. The janitor of any
// of the endpoints does that; the budget has no goroutine of its own.
type Budget struct {
	limit       int64
	conns, logs atomic.Int64  // bytes
	crossed     chan struct{} // holds a value while a janitor should look which connections hold most

	shedding sync.Mutex // held by the janitor that closes connections; it is taken before any other lock
	mu       sync.Mutex // guards members; no other lock is taken under it
	members  map[*Endpoint]struct{}
}

// logsLeave divides the limit: a quarter is what connections may hold however large the logs are.
const logsLeave = 4

// NewBudget returns a budget of limit bytes, which must be more than 0.
func NewBudget(limit int64) *Budget {
	return &Budget{limit: limit, crossed: make(chan struct{}, 1), members: make(map[*Endpoint]struct{})}
}

// Limit returns how many bytes there are.
func (b *Budget) Limit() int64 { return b.limit }

// Used returns how many bytes are taken, by connections and logs together. It can be more than the limit: because of the logs,
// or for the moment until the largest connection is closed.
func (b *Budget) Used() int64 { return b.conns.Load() + b.logs.Load() }

// CountLog adds delta bytes, which may be negative, to what event logs take. It is quick, and takes no lock.
func (b *Budget) CountLog(delta int) {
	b.logs.Add(int64(delta))
	b.look(int64(delta))
}

// count adds delta bytes, which may be negative, to what connections take. It may be called with locks held.
func (b *Budget) count(delta int64) {
	if b != nil {
		b.conns.Add(delta)
		b.look(delta)
	}
}

// look wakes a janitor if a growth by delta has made it too much.
func (b *Budget) look(delta int64) {
	if delta <= 0 || !b.exceeded() {
		return
	}
	select {
	case b.crossed <- struct{}{}:
	default: // one is on its way
	}
}

// exceeded reports whether the connections hold more than they may.
func (b *Budget) exceeded() bool {
	return b.conns.Load() > max(b.limit-b.logs.Load(), b.limit/logsLeave)
}

// wake returns the channel that janitors listen to.
func (b *Budget) wake() <-chan struct{} {
	if b == nil {
		return nil
	}
	return b.crossed
}

// join lets the budget shed connections of an endpoint, which has a janitor.
func (b *Budget) join(e *Endpoint) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.members[e] = struct{}{}
	}
}

// leave forgets an endpoint that has no connections any more.
func (b *Budget) leave(e *Endpoint) {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.members, e)
	}
}

// shed closes the connections that hold most, one after the other, until the rest fit. What a closed one held counts no more,
// so that no other is closed in its place.
func (b *Budget) shed() {
	b.shedding.Lock()
	defer b.shedding.Unlock()
	if !b.exceeded() { // another janitor was quicker
		return
	}
	for _, c := range b.offenders() {
		if !b.exceeded() {
			return
		}
		c.shed()
	}
}

// offenders returns the connections that hold something, those that hold most first.
func (b *Budget) offenders() []*conn {
	type holding struct {
		conn *conn
		held int64
	}
	var holdings []holding
	for _, e := range b.endpoints() {
		for _, c := range e.alive() {
			if held := c.held(); held > 0 {
				holdings = append(holdings, holding{c, held})
			}
		}
	}
	slices.SortFunc(holdings, func(x, y holding) int { return cmp.Compare(y.held, x.held) })
	conns := make([]*conn, len(holdings))
	for i, h := range holdings {
		conns[i] = h.conn
	}
	return conns
}

func (b *Budget) endpoints() []*Endpoint {
	b.mu.Lock()
	defer b.mu.Unlock()
	endpoints := make([]*Endpoint, 0, len(b.members))
	for e := range b.members {
		endpoints = append(endpoints, e)
	}
	return endpoints
}
