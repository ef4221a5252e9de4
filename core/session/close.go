package session

import (
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// Close decides the end of the connection and tells the peer why; reason nil is the reference's None. The first cause wins:
// if the end was decided before, nothing happens. The owner writes what is queued, and then calls End.
func (s *Session) Close(now time.Time, reason *string, detail string, out *Output) {
	if s.Closing() {
		return
	}
	begun := s.phase != phaseInit
	s.end(reason, detail, false)
	if begun { // before that, TLS does not stand, and nothing can be said
		s.sendInternal(now, packet.IDClose, packet.AppendClose(out.body(), reason), out)
	}
}

// Cut decides the end of a connection whose peer cannot be told, or does not listen.
func (s *Session) Cut(reason *string, detail string) {
	if !s.Closing() {
		s.end(reason, detail, true)
	}
}

// end notes the cause. Nothing that was queued matters to a peer that ended the connection itself.
func (s *Session) end(reason *string, detail string, byPeer bool) {
	s.phase, s.reason, s.detail, s.byPeer = phaseClosing, reason, detail, byPeer
}

// End reports the close, once: after it the session does nothing more.
func (s *Session) End(now time.Time, out *Output) {
	if s.Closed() {
		return
	}
	s.phase, s.view.State = phaseClosed, StateClosed
	s.report(event.Event{
		Type: s.typ(event.ServerClose, event.ClientClose), Time: now, Reason: s.reason, Detail: s.detail,
	}, out)
}
