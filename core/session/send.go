package session

import (
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// Permit returns the type of an application packet that may be sent now. Errors: ErrClosed, ErrNotActive, packet.ErrUnknown,
// *packet.InvalidError, and ErrRefused, which comes with the type and must be followed by Refused.
func (s *Session) Permit(ref packet.Ref) (packet.Type, error) {
	if err := s.usable(); err != nil {
		return packet.Type{}, err
	}
	if s.view.Conntype == ConntypePing {
		return s.permitPing(ref)
	}
	typ, err := s.resolve(ref)
	if err != nil {
		return packet.Type{}, err
	}
	if typ.Rule != nil && !typ.Rule.Sendable(s.view, s.cfg.Side) {
		return typ, ErrRefused
	}
	return typ, nil
}

// Refused does what the rule of a packet that was not permitted says.
func (s *Session) Refused(now time.Time, typ packet.Type, out *Output) {
	if typ.Rule.Action == packet.Close {
		s.Close(now, text(ReasonInvalidPacket), "the application sent a packet that its rule refuses", out)
	}
}

// resolve finds the packet type that the application names. On connections without a handshake any id will do.
func (s *Session) resolve(ref packet.Ref) (packet.Type, error) {
	if id, ok := ref.ID(); ok && id < packet.FirstFreeID {
		return packet.Type{}, &packet.InvalidError{Field: "packet.id", Problem: "is below 64: internal packets are not the application's to send"}
	}
	table := s.cfg.Registry.Table()
	typ, known := table.Lookup(ref)
	if known && typ.ID >= packet.FirstFreeID {
		if s.handshake == HandshakeClassic && table.Local(typ.Name) {
			return packet.Type{}, &NotOnServerError{Name: typ.Name}
		}
		return typ, nil
	}
	if id, ok := ref.ID(); ok && s.handshake == HandshakeNone {
		return packet.Type{ID: id}, nil
	}
	return packet.Type{}, &UnknownPacketError{Ref: ref}
}

// Sent reports a packet that Permit allowed and whose frame is queued.
func (s *Session) Sent(now time.Time, typ packet.Type, body, frame []byte, out *Output) {
	s.report(s.sent(now, typ.ID, typ.Name, body, frame), out)
}

func (s *Session) sent(now time.Time, id uint32, name string, body, frame []byte) event.Event {
	ev := event.Event{Type: s.typ(event.ServerSend, event.ClientSend), Time: now, PacketID: id, Packet: name, Body: body}
	if ev.Type == event.ServerSend { // "the encoded packet, including header and length-prefix"; a client's has none
		ev.Frame = frame
	}
	return ev
}

// sendInternal sends and reports an internal packet, whose body was appended to out.body.
func (s *Session) sendInternal(now time.Time, id uint32, body []byte, out *Output) {
	if cap(body) > cap(out.room) {
		out.room = body[:0]
	}
	frame := s.frame(id, body, out)
	s.report(s.sent(now, id, s.internalName(id), body, frame), out)
}

// frame adds a packet to what is to be written, and returns its frame.
func (s *Session) frame(id uint32, body []byte, out *Output) []byte {
	start := len(out.Frames)
	frames, err := s.cfg.Compression.Load().AppendPacket(out.Frames, id, body)
	if err != nil { // zlib does not know the level; every peer understands the plain form
		frames = wire.AppendFrame(out.Frames, id, 0, body)
	}
	out.Frames = frames
	out.Sent++
	return out.Frames[start:len(out.Frames):len(out.Frames)]
}
