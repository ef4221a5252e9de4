package session

import (
	"time"

	"github.com/pengbridge/pengbridge/core/packet"
)

// answerPing handles a packet on a server's ping connection (protocol, section 5). As in the reference, ping traffic fires
// no events.
func (s *Session) answerPing(now time.Time, p Packet, out *Output) {
	switch p.ID {
	case packet.IDPing:
		body, err := packet.AppendPong(nil, p.Body, s.cfg.Ping.Data, s.cfg.Version)
		if err != nil {
			s.Refuse(now, err, out)
			return
		}
		s.view.Mode = ModePing
		s.frame(packet.IDPong, body, out)
	case packet.IDPong:
		s.Close(now, text(ReasonPingSide), "a client sent a ping answer", out)
	default:
		s.Close(now, text(ReasonPingPacket), "a ping connection carries only packets 64 and 65", out)
	}
}
