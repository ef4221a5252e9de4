package endpoint

import (
	"runtime"
	"sync"

	"github.com/pengbridge/pengbridge/core/packet"
)

// writeEarly is how many bytes may wait for Flush at one connection: beyond it they are written at once.
const writeEarly = 128 << 10

const (
	// shareSize is how many connections a goroutine of Flush writes to at least: hundreds of microseconds of system calls,
	// beside which its start costs nothing.
	shareSize = 128
	// flushAtOnce is to how many connections Flush writes on all processors: some milliseconds. For more it leaves one to
	// everybody else, who would have to wait until the scheduler takes one away.
	flushAtOnce = 2048
)

// Batch queues packets that leave together. It belongs to one goroutine at a time, and is reused after Flush.
type Batch struct {
	e         *Endpoint
	unwritten []*conn // those with packets that nobody has tried to write yet
	sending
}

// Batch returns an empty batch.
func (e *Endpoint) Batch() *Batch { return &Batch{e: e} }

// Send is Endpoint.Send, but the packet may wait for Flush.
func (b *Batch) Send(id uint64, ref packet.Ref, body []byte) error {
	return b.e.send(id, ref, body, &b.sending, b)
}

// Broadcast is Endpoint.Broadcast, but the packet may wait for Flush.
func (b *Batch) Broadcast(t Target, ref packet.Ref, body []byte) (BroadcastResult, error) {
	return b.e.broadcast(t, ref, body, b)
}

// Flush writes what the batch has queued, once per connection.
func (b *Batch) Flush() {
	if len(b.unwritten) < 2*shareSize { // almost always: nothing is to be paid for what follows
		kickAll(b.unwritten)
	} else {
		kickShared(b.unwritten, shareOf(len(b.unwritten), runtime.GOMAXPROCS(0)))
	}
	b.unwritten = b.unwritten[:0]
}

// kickShared is kickAll by several goroutines, each of which has so many connections. On two processors, of which the peers use one
// as well, a broadcast to 1,000 reached the last of them up to a fifth sooner in some rounds, and no sooner in others.
func kickShared(conns []*conn, size int) {
	var others sync.WaitGroup
	for len(conns) > size {
		share := conns[:size]
		conns = conns[size:]
		others.Go(func() { kickAll(share) })
	}
	kickAll(conns)
	others.Wait()
}

// shareOf returns how many of n connections one goroutine writes to.
func shareOf(n, processors int) int {
	if n > flushAtOnce {
		processors--
	}
	shares := max(1, min(processors, n/shareSize))
	return (n + shares - 1) / shares
}

// kickAll writes what the connections have queued, and forgets them.
func kickAll(conns []*conn) {
	for i, c := range conns {
		c.mu.Lock()
		c.kick()
		c.mu.Unlock()
		conns[i] = nil
	}
}
