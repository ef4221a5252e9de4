package session

import (
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// transition says what an internal packet does. This table is the protocol's handshake; everything else in this file is
// about application packets.
type transition struct {
	in        phase                                                     // the phase it belongs to
	do        func(s *Session, now time.Time, body []byte, out *Output) // what it does there
	elsewhere func(s *Session, now time.Time, id uint32, out *Output)   // what it does in any other phase; nil: nothing
}

var serverTransitions = map[uint32]transition{
	packet.IDSettype: {in: phaseTypeWait, do: (*Session).onSettype},
	packet.IDAccept:  {in: phaseAcceptWait, do: (*Session).onAccept, elsewhere: (*Session).outOfPlace},
	// A server has no use for these; the reference ignores the first and closes on the second.
	packet.IDHello:     {in: never},
	packet.IDHandshake: {in: never, elsewhere: (*Session).outOfPlace},
}

var clientTransitions = map[uint32]transition{
	packet.IDHello:     {in: phaseHelloWait, do: (*Session).onHello},
	packet.IDHandshake: {in: phaseHandshakeWait, do: (*Session).onHandshake, elsewhere: (*Session).outOfPlace},
	packet.IDSettype:   {in: never},
	packet.IDAccept:    {in: never, elsewhere: (*Session).outOfPlace},
}

// never is a phase in which no connection is.
const never = phase(0xff)

// Receive handles one packet from the peer. While the connection is closing, packets are ignored: its end is decided.
func (s *Session) Receive(now time.Time, p Packet, out *Output) {
	switch {
	case s.Closing():
	case p.ID == packet.IDClose:
		s.reportReceived(now, p, s.internalName(p.ID), false, out)
		s.peerCause = CausePeer
		s.end(packet.ParseClose(p.Body), "closed by the peer", true)
	case p.ID < packet.FirstFreeID:
		s.receiveInternal(now, p, out)
	case s.view.Conntype == ConntypePing:
		s.receivePing(now, p, out)
	default:
		s.receiveApplication(now, p, out)
	}
}

func (s *Session) receiveInternal(now time.Time, p Packet, out *Output) {
	transitions := clientTransitions
	if s.cfg.Side == packet.ServerSide {
		transitions = serverTransitions
	}
	t, known := transitions[p.ID]
	fits := known && t.in == s.phase
	s.reportReceived(now, p, s.internalName(p.ID), !fits, out)
	switch {
	case fits:
		t.do(s, now, p.Body, out)
	case t.elsewhere != nil:
		t.elsewhere(s, now, p.ID, out)
	}
}

// receiveApplication reports a packet of the application, refused where a rule, the handshake or the registry says so.
func (s *Session) receiveApplication(now time.Time, p Packet, out *Output) {
	typ, known := s.cfg.Registry.Table().ByID(p.ID)
	accepted := s.Active() && (known || s.handshake == HandshakeNone)
	ruled := typ.Rule != nil
	if ruled {
		accepted = known && typ.Rule.Receivable(s.view, s.cfg.Side)
	}
	s.reportReceived(now, p, typ.Name, !accepted, out)
	if ruled && !accepted && typ.Rule.Action == packet.Close {
		s.Close(now, text(ReasonInvalidPacket), fmt.Sprintf("the rule of packet %q refuses it in state %d", typ.Name, s.view.State), out)
	}
}

func (s *Session) reportReceived(now time.Time, p Packet, name string, refused bool, out *Output) {
	typ := s.typ(event.ServerRecv, event.ClientRecv)
	if !s.cfg.Records[typ] {
		return
	}
	ev := out.next() // filled in place: events are large, and these are many
	ev.Type, ev.Time, ev.Conn = typ, now, s.id
	ev.PacketID, ev.Packet, ev.Refused = p.ID, name, refused
	ev.Body, ev.Owned = p.Body, p.Owned
}

// outOfPlace answers a handshake packet in the wrong phase or direction.
func (s *Session) outOfPlace(now time.Time, id uint32, out *Output) {
	s.Close(now, text(ReasonInvalidPacket), fmt.Sprintf("packet %q came out of place", s.internalName(id)), out)
}

// Refuse ends the connection because of err, by which Inbound.Next refused its bytes.
func (s *Session) Refuse(now time.Time, err error, out *Output) {
	s.Close(now, text(malformedReason(err)), err.Error(), out)
}

// StreamEnd says that the peer's stream has ended; err is nil for an orderly end. inFrame says that it ended within a frame.
func (s *Session) StreamEnd(err error, inFrame bool) {
	if s.Closing() {
		s.peerDone = true
		return
	}
	detail := "the peer closed the connection without a reason"
	if err != nil {
		detail = err.Error()
	}
	if inFrame {
		detail += ", in the middle of a frame"
	}
	var reason *string
	if s.cfg.Side == packet.ClientSide {
		reason = text(ReasonSocketClose)
	}
	s.peerCause = CauseStreamEnd
	s.end(reason, detail, true)
}

// internalName returns the registry name of an internal packet, or "" for an id that is none.
func (s *Session) internalName(id uint32) string {
	typ, _ := s.cfg.Registry.Table().ByID(id)
	return typ.Name
}

func text(s string) *string { return &s }
