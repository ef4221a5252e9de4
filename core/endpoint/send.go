package endpoint

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// Send queues one packet for a connection; a client's only one has id 0. body is exactly one MessagePack value. Send never
// waits for the peer, and does not keep body. Errors: ErrUnknownConn, ErrNotActive, ErrRefused, ErrQueueFull, ErrLogFull,
// ErrStopped, packet.ErrUnknown, packet.ErrMalformedBody, wire.ErrTooLarge, *packet.InvalidError.
func (e *Endpoint) Send(id uint64, ref packet.Ref, body []byte) error {
	s := sendings.Get().(*sending)
	defer sendings.Put(s)
	return e.send(id, ref, body, s, nil)
}

// sending is reusable memory for sending one packet after the other.
type sending struct {
	frame []byte
	out   session.Output
}

var sendings = sync.Pool{New: func() any { return new(sending) }}

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
		b.unwritten = append(b.unwritten, c)
	}
	c.enqueue(f)
	if c.queue.size >= writeEarly {
		c.kick()
	}
}

// recordsSends reports whether sends are events here.
func (e *Endpoint) recordsSends() bool {
	return e.cfg.Records[e.typ(event.ServerSend, event.ClientSend)]
}

// logFull reports whether there is no room for a send event.
func (e *Endpoint) logFull() bool { return e.gate != nil && e.gate.Full() }
