package session

import (
	"fmt"
	"time"

	"github.com/pengbridge/pengbridge/core/packet"
)

// Connections of type "ping" (protocol, section 5) carry only packets 64 and 65. There these mean request and answer,
// whatever the registry has under the ids, so neither names nor rules apply.

func (s *Session) isPingServer() bool {
	return s.cfg.Side == packet.ServerSide && s.view.Conntype == ConntypePing
}

// receivePing handles a packet of the application on a ping connection.
func (s *Session) receivePing(now time.Time, p Packet, out *Output) {
	server := s.isPingServer()
	if server && p.ID == packet.IDPing {
		s.view.Mode = ModePing
	}
	switch {
	case server && !s.cfg.Ping.Application:
		s.answerPing(now, p, out)
	case !server && p.ID == packet.IDPing:
		s.Close(now, text(ReasonPingSide), "a server sent a ping request", out)
	default:
		s.reportReceived(now, p, "", p.ID > packet.IDPong, out)
	}
}

// answerPing answers with data that was given in advance. As in the reference, such traffic fires no events.
func (s *Session) answerPing(now time.Time, p Packet, out *Output) {
	switch p.ID {
	case packet.IDPing:
		body, err := packet.AppendPong(nil, p.Body, s.cfg.Ping.Data, s.cfg.Version)
		if err == nil {
			err = packet.Check(body) // the request is nested one level deeper in it
		}
		if err != nil {
			s.Refuse(now, err, out)
			return
		}
		s.frame(packet.IDPong, body, out)
	case packet.IDPong:
		s.Close(now, text(ReasonPingSide), "a client sent a ping answer", out)
	default:
		s.Close(now, text(ReasonPingPacket), "a ping connection carries only packets 64 and 65", out)
	}
}

// permitPing is Permit on a ping connection.
func (s *Session) permitPing(ref packet.Ref) (packet.Type, error) {
	if s.isPingServer() && !s.cfg.Ping.Application {
		return packet.Type{}, &packet.InvalidError{Field: "connection_id", Problem: "is a ping's: the server answers it by itself"}
	}
	id, ok := ref.ID()
	if !ok || id != packet.IDPing && id != packet.IDPong {
		return packet.Type{}, &packet.InvalidError{Field: "packet", Problem: fmt.Sprintf("is %v: a ping connection carries only the ids 64 and 65", ref)}
	}
	return packet.Type{ID: id}, nil
}
