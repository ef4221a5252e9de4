package endpoint

import "github.com/pengbridge/pengbridge/core/packet"

// writeEarly is how many bytes may wait for Flush at one connection: beyond it they are written at once.
const writeEarly = 128 << 10

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
	for i, c := range b.unwritten {
		c.mu.Lock()
		c.kick()
		c.mu.Unlock()
		b.unwritten[i] = nil
	}
	b.unwritten = b.unwritten[:0]
}
