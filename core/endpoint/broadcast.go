package endpoint

import (
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// BroadcastResult says how a broadcast went.
type BroadcastResult struct {
	Queued  int      // how many connections it was queued to
	Skipped []uint64 // those of Target.Conns that could not take it: closed, not active, refused by a rule, or overflowed
}

// Broadcast queues one packet for many connections. It is encoded and compressed once, and reported as one send event with
// all of them. Errors: ErrNotServer, ErrLogFull, ErrStopped, packet.ErrUnknown, packet.ErrMalformedBody, wire.ErrTooLarge,
// *packet.InvalidError. A connection that cannot take the packet is no error.
func (e *Endpoint) Broadcast(t Target, ref packet.Ref, body []byte) (BroadcastResult, error) {
	b := e.Batch()
	defer b.Flush()
	return b.Broadcast(t, ref, body)
}

func (e *Endpoint) broadcast(t Target, ref packet.Ref, body []byte, b *Batch) (result BroadcastResult, err error) {
	if e.cfg.Side != packet.ServerSide {
		return result, ErrNotServer
	}
	if err := e.beginBroadcast(); err != nil {
		return result, err
	}
	defer e.broadcasts.Done()
	typ, err := e.broadcastType(ref)
	if err != nil {
		return result, err
	}
	f, err := e.encode(body, nil)
	if err != nil {
		return result, err
	}
	f.setID(typ.ID)
	targets, absent, err := e.targets(t)
	if err != nil {
		return result, err
	}
	recorded := e.recordsSends()
	if recorded && e.logFull() {
		e.counters.logFull.Add(1)
		return result, ErrLogFull
	}
	d := delivery{ref: ref, frame: f, batch: b, out: output(), skipped: absent}
	defer release(d.out)
	if recorded {
		d.report(targets, event.Event{
			Type: event.ServerSend, PacketID: typ.ID, Packet: typ.Name, Body: body, Frame: f.bytes,
		}, e.sink)
	} else {
		d.each(targets)
	}
	result.Queued = d.queued
	if len(t.Conns) > 0 {
		result.Skipped = d.skipped
	}
	return result, nil
}

// beginBroadcast holds back the endpoint's end until the broadcast is done, because the broadcast may be what reports a
// connection's close.
func (e *Endpoint) beginBroadcast() error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.phase >= Stopping {
		return ErrStopped
	}
	e.broadcasts.Add(1)
	return nil
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
