package endpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// Send queues one packet for a connection; a client's only one has id 0. body is exactly one MessagePack value. Send never
// waits for the peer; body is not kept. Errors: ErrUnknownConn, ErrNotActive, ErrRefused, ErrQueueFull, ErrLogFull,
// ErrStopped, packet.ErrUnknown, packet.ErrMalformedBody, wire.ErrTooLarge, *packet.InvalidError.
func (e *Endpoint) Send(id uint64, ref packet.Ref, body []byte) error {
	s := sendings.Get().(*sending)
	defer sendings.Put(s)
	return e.send(id, ref, body, s, nil)
}

// Batch queues packets that leave together. It belongs to one goroutine at a time, and is reused after Flush.
type Batch struct {
	e     *Endpoint
	dirty []*conn // those with packets that were not tried to be written
	sending
}

// sending is the memory in which packets are sent, one after the other.
type sending struct {
	frame []byte
	out   session.Output
}

var sendings = sync.Pool{New: func() any { return new(sending) }}

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
	for i, c := range b.dirty {
		c.mu.Lock()
		c.kick()
		c.mu.Unlock()
		b.dirty[i] = nil
	}
	b.dirty = b.dirty[:0]
}

func (e *Endpoint) send(id uint64, ref packet.Ref, body []byte, s *sending, b *Batch) error {
	c, err := e.find(id)
	if err != nil {
		return err
	}
	f, err := e.encode(body, s)
	if err != nil {
		return err
	}
	return c.send(ref, body, f, &s.out, b)
}

// send queues an encoded packet.
func (c *conn) send(ref packet.Ref, body []byte, f frame, out *session.Output, b *Batch) error {
	e := c.e
	c.mu.Lock()
	defer c.mu.Unlock()
	typ, err := c.permit(ref, out)
	if err != nil {
		return err
	}
	recorded := e.recordsSends()
	if recorded && e.logFull() {
		e.counters.logFull.Add(1)
		return ErrLogFull
	}
	if !c.fits(len(f.bytes)) {
		c.overflow(out)
		return ErrQueueFull
	}
	f.setID(typ.ID)
	if recorded {
		c.sess.Sent(time.Now(), typ, body, f.bytes, out)
	}
	c.deliver(f, out, b)
	return nil
}

// permit asks the session whether a packet may go out, and does what the packet's rule says if not. c.mu is held.
func (c *conn) permit(ref packet.Ref, out *session.Output) (packet.Type, error) {
	typ, err := c.sess.Permit(ref)
	if errors.Is(err, ErrRefused) {
		state := c.sess.View().State // before its rule may close the connection
		c.sess.Refused(time.Now(), typ, out)
		c.carryOut(out)
		return typ, fmt.Errorf("packet %q in state %d: %w", typ.Name, state, err)
	}
	return typ, connError(err)
}

// deliver reports what is in out and queues a permitted frame behind it. c.mu is held.
func (c *conn) deliver(f frame, out *session.Output, b *Batch) {
	if len(out.Events) > 0 {
		c.e.sink.Append(out.Events)
		out.Reset()
	}
	c.countSent(1)
	if b == nil {
		c.write(f)
		return
	}
	if c.broken {
		return
	}
	if c.queue.empty() {
		b.dirty = append(b.dirty, c)
	}
	c.enqueue(f)
	if c.queue.size >= writeEarly {
		c.kick()
	}
}

// writeEarly is how many bytes of a batch wait at most.
const writeEarly = 128 << 10

// recordsSends reports whether sends are events here.
func (e *Endpoint) recordsSends() bool {
	return e.cfg.Records[e.typ(event.ServerSend, event.ClientSend)]
}

// logFull reports whether there is no room for a send event.
func (e *Endpoint) logFull() bool { return e.gate != nil && e.gate.Full() }

// frame is an encoded packet whose id is not known yet: it depends on the connection's registry.
type frame struct {
	bytes  []byte
	memory int           // what keeping bytes keeps in memory; 0: queues must not keep them
	queued *atomic.Int64 // in how many queues the frame is kept, if it may be several
}

// ownedFrame is a frame whose bytes may be kept by a queue, and do not change any more.
func ownedFrame(b []byte) frame { return frame{bytes: b, memory: cap(b)} }

// encode checks a body and makes a frame of it: a small one in the memory of s, since queues copy what is small. Without s the
// frame may be queued at several connections.
func (e *Endpoint) encode(body []byte, s *sending) (frame, error) {
	if len(body) > e.limits.MaxPacket {
		return frame{}, fmt.Errorf("%w: the body has %d bytes, the limit is %d", wire.ErrTooLarge, len(body), e.limits.MaxPacket)
	}
	if err := packet.Check(body); err != nil {
		return frame{}, err
	}
	compression := e.cfg.Compression.Load()
	if s == nil || len(body) > maxCopied-frameOverhead {
		b, err := compression.AppendPacket(make([]byte, 0, len(body)+frameOverhead), 0, body)
		f := ownedFrame(b)
		if s == nil && f.memory > maxCopied { // or queues will have copies
			f.queued = new(atomic.Int64)
		}
		return f, err
	}
	b, err := compression.AppendPacket(s.frame[:0], 0, body)
	s.frame = b
	return frame{bytes: b}, err
}

// frameOverhead is what a frame adds to its body, with room for a body that grows by compression.
const frameOverhead = 64

// setID fills in the packet's id.
func (f frame) setID(id uint32) {
	binary.BigEndian.PutUint32(f.bytes[wire.LengthSize:], id)
}
