package endpoint

import (
	"slices"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// Target says which connections a broadcast goes to. The zero value: all active ones.
type Target struct {
	Conns   []uint64 // these; those that closed meanwhile are passed over
	Group   string   // or those in this group
	Exclude []uint64 // but not these
}

// BroadcastResult says how a broadcast went.
type BroadcastResult struct {
	Queued  int      // how many connections it was queued to
	Skipped []uint64 // those of Target.Conns that could not take it: closed, not active, refused by a rule, or overflowed
}

// Broadcast queues one packet for many connections. It is encoded and compressed once, and reported as one send event with
// all of them. Errors: ErrNotServer, ErrLogFull, ErrStopped, packet.ErrUnknown, packet.ErrMalformedBody, wire.ErrTooLarge,
// *packet.InvalidError; a connection that cannot take it is no error.
func (e *Endpoint) Broadcast(t Target, ref packet.Ref, body []byte) (BroadcastResult, error) {
	return e.broadcast(t, ref, body, nil)
}

func (e *Endpoint) broadcast(t Target, ref packet.Ref, body []byte, b *Batch) (result BroadcastResult, err error) {
	if e.cfg.Side != packet.ServerSide {
		return result, ErrNotServer
	}
	if err := e.usable(); err != nil {
		return result, err
	}
	typ, err := e.broadcastType(ref)
	if err != nil {
		return result, err
	}
	f, err := e.encode(body, true)
	if err != nil {
		return result, err
	}
	f.setID(typ.ID)
	targets, err := e.targets(t)
	if err != nil {
		return result, err
	}
	recorded := e.recordsSends()
	if recorded {
		if e.gate != nil && e.gate.Full() {
			return result, ErrLogFull
		}
		targets = e.reportBroadcast(targets, ref, event.Event{
			Type: event.ServerSend, PacketID: typ.ID, Packet: typ.Name, Body: body, Frame: f.bytes,
		})
	}
	queued := make(map[uint64]struct{}, len(t.Conns))
	for _, c := range targets {
		if c.queueBroadcast(ref, f, b, recorded) {
			result.Queued++
			if len(t.Conns) > 0 {
				queued[c.id] = struct{}{}
			}
		}
	}
	for _, id := range t.Conns {
		if _, ok := queued[id]; !ok && !slices.Contains(t.Exclude, id) {
			result.Skipped = append(result.Skipped, id)
		}
	}
	return result, nil
}

// broadcastType finds the packet before any connection is asked: a server's ids are the same for all.
func (e *Endpoint) broadcastType(ref packet.Ref) (packet.Type, error) {
	typ, known := e.cfg.Registry.Table().Lookup(ref)
	if known && typ.ID >= packet.FirstFreeID {
		return typ, nil
	}
	if id, ok := ref.ID(); ok && id < packet.FirstFreeID {
		return typ, &packet.InvalidError{Field: "packet.id", Problem: "is below 64: internal packets are not the application's to send"}
	}
	return typ, &session.UnknownPacketError{Ref: ref}
}

// targets returns the connections that are meant.
func (e *Endpoint) targets(t Target) ([]*conn, error) {
	if t.Group != "" && len(t.Conns) > 0 {
		return nil, &packet.InvalidError{Field: "group", Problem: "cannot be combined with connection_ids"}
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	excluded := make(map[uint64]struct{}, len(t.Exclude))
	for _, id := range t.Exclude {
		excluded[id] = struct{}{}
	}
	if len(t.Conns) > 0 {
		targets := make([]*conn, 0, len(t.Conns))
		for _, id := range t.Conns {
			if _, not := excluded[id]; not {
				continue
			}
			if c, ok := e.conns[id]; ok {
				excluded[id] = struct{}{} // named twice, sent once
				targets = append(targets, c)
			}
		}
		return targets, nil
	}
	from := e.conns
	if t.Group != "" {
		from = e.groups[t.Group]
	}
	targets := make([]*conn, 0, len(from))
	for id, c := range from {
		if _, not := excluded[id]; !not {
			targets = append(targets, c)
		}
	}
	return targets, nil
}

// reportBroadcast logs the one send event, before anything is queued, and returns the connections it names. They are held:
// their close is not reported before the packet was queued, so that close stays every connection's last event.
func (e *Endpoint) reportBroadcast(targets []*conn, ref packet.Ref, ev event.Event) []*conn {
	held := targets[:0]
	for _, c := range targets {
		if c.hold(ref, len(ev.Frame)) {
			held = append(held, c)
			ev.Conns = append(ev.Conns, c.id)
		}
	}
	if len(held) > 0 {
		ev.Time = time.Now()
		e.sink.Append([]event.Event{ev})
	}
	return held
}

// hold keeps the connection's close from being reported, if the packet may go out now.
func (c *conn) hold(ref packet.Ref, size int) bool {
	out := output()
	defer release(out)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.permit(ref, size, out); err != nil {
		return false
	}
	c.holds++
	return true
}

// queueBroadcast queues the frame, if the connection still takes it, and ends what hold began.
func (c *conn) queueBroadcast(ref packet.Ref, f frame, b *Batch, held bool) (queued bool) {
	out := output()
	defer release(out)
	c.mu.Lock()
	defer c.mu.Unlock()
	if held {
		c.holds--
	}
	if _, err := c.permit(ref, len(f.bytes), out); err == nil {
		c.deliver(f, out, b)
		queued = true
	}
	if c.sess.Closing() {
		c.conclude(out)
	}
	return queued
}
