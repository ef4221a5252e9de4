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
	if begun { // before that, TLS may not be set up, and the peer cannot be told
		s.sendInternal(now, packet.IDClose, packet.AppendClose(out.body(), reason), out)
	}
}

// Cut decides the end of a connection whose peer cannot be told why, or does not read.
func (s *Session) Cut(reason *string, detail string) {
	if !s.Closing() {
		s.end(reason, detail, true)
	}
}

// end keeps the cause. peerDone says that the peer needs nothing more, not even what is queued.
func (s *Session) end(reason *string, detail string, peerDone bool) {
	s.phase, s.reason, s.detail, s.peerDone = phaseClosing, reason, detail, peerDone
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
