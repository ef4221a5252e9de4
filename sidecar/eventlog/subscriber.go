// Subscribers: who they are, what they have acknowledged, and how long they may be away.

package eventlog

import (
	"slices"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
)

// Mode says what a subscriber relies on and what it owes.
type Mode uint8

// The three kinds of subscribers.
const (
	Observer      Mode = iota // sees what is held and what comes; falls out when it is too slow
	Durable                   // gets everything; what was sent to it counts as acknowledged
	Acknowledging             // gets everything, and acknowledges it
)

// String returns the mode's name.
func (m Mode) String() string {
	return [...]string{"observer", "durable", "acknowledging"}[m]
}

// maxLost is how many lost subscribers are remembered, so that they hear of the gap when they come back.
const maxLost = 64

// subscriber is a durable subscriber of either kind. The log's lock guards it.
type subscriber struct {
	name     string
	mode     Mode
	seen     bool     // it has come, so that its mode is known; until then it counts as an acknowledging one
	acked    uint64   // everything up to here is acknowledged
	position int64    // the position after the last acknowledged event
	sent     uint64   // the last event that was ever handed out, or filtered out
	cursor   *Cursor  // nil while it is away
	session  string   // of the last cursor
	leaving  bool     // the session has said that it will not come back
	absence  *absence // nil while it has a cursor, and once nothing depends on it any more
}

// absence is a time in which a subscriber has no cursor.
type absence struct{ grace *time.Timer }

// lostSubscriber is what is remembered of a subscriber that was away too long.
type lostSubscriber struct {
	name  string
	acked uint64
}

// Request is what a subscriber asks for.
type Request struct {
	// Name identifies a durable subscriber, for which it is required. For an observer, it is only shown in Stats.
	Name string
	// Mode is what the subscriber relies on.
	Mode Mode
	// From is the first sequence wanted; a durable subscriber acknowledges everything before it by that. 0: the one after the
	// last acknowledged, or the oldest held for observers and for durable subscribers that come for the first time.
	From uint64
	// Types are the types of events wanted. Empty: all. Other events count as delivered.
	Types []event.Type
	// Session tells apart durable subscribers that use the same name one after the other.
	Session string
	// Resume says that the session goes on where its last cursor ended. If another session has taken the name over, it fails.
	Resume bool
}

// Header is the state of the log when a subscription began.
type Header struct {
	First uint64 // the oldest sequence held; Last+1 when nothing is held
	Last  uint64 // the last sequence in the log; 0 when nothing ever happened
	Next  uint64 // the first sequence the cursor delivers
}

// Subscribe opens a cursor, which its caller must close. A durable subscriber has one at a time: an older one ends with
// [ErrTakenOver], or [ErrResumed] if it is of the same session. Errors: [*GoneError] when From, or the event after the last
// acknowledged one of a subscriber that was lost, is no longer held; [*RangeError] when From is beyond the next event;
// [*OtherModeError]; [ErrTakenOver] when a session resumes that is not the last one.
func (l *Log) Subscribe(r Request) (*Cursor, Header, error) {
	l.mu.Lock()
	c, err := l.subscribe(r)
	turned := l.settle() // first, because a given From acknowledges what is before it
	h := Header{First: l.store.first, Last: l.store.last()}
	if err == nil {
		h.Next = c.next
	}
	l.unlock(turned)
	return c, h, err
}

func (l *Log) subscribe(r Request) (*Cursor, error) {
	s := l.subscriber(r.Name)
	if r.Mode == Observer {
		s = nil
	}
	if s != nil && s.seen && s.mode != r.Mode {
		return nil, &OtherModeError{s.name, s.mode}
	}
	if s != nil && s.seen && r.Resume && s.session != r.Session {
		return nil, ErrTakenOver
	}
	from := r.From
	if from == 0 {
		from = l.resumption(r, s)
	}
	if r.Mode != Observer {
		l.lost = slices.DeleteFunc(l.lost, func(lost lostSubscriber) bool { return lost.name == r.Name })
	}
	if from < l.store.first {
		return nil, &GoneError{Sequence: from, Oldest: l.store.first}
	}
	if from > l.store.next {
		return nil, &RangeError{Sequence: from, Oldest: l.store.first, Limit: l.store.next}
	}
	c := &Cursor{log: l, name: r.Name, types: newTypeSet(r.Types), wake: make(chan struct{}, 1), next: from}
	if r.Mode == Observer {
		l.observers = append(l.observers, c)
		return c, nil
	}
	if s == nil {
		s = l.addSubscriber(r.Name, from-1)
	}
	if s.cursor != nil {
		why := ErrTakenOver
		if r.Session != "" && r.Session == s.session {
			why = ErrResumed
		}
		s.cursor.end(why)
	}
	s.mode, s.seen, s.session, s.leaving = r.Mode, true, r.Session, false
	s.endAbsence()
	s.cursor, c.subscriber = c, s
	l.acknowledge(s, from-1)
	return c, nil
}

// resumption returns where a subscriber that names no sequence goes on; s is nil unless it is a known durable one.
func (l *Log) resumption(r Request, s *subscriber) uint64 {
	if r.Mode == Observer {
		return l.store.first
	}
	if s != nil {
		return s.acked + 1
	}
	for _, lost := range l.lost {
		if lost.name == r.Name {
			return lost.acked + 1
		}
	}
	return l.store.first
}

// Acknowledge says that one session of a durable subscriber ("": the present one) has handled everything up to the sequence. A
// lower one than before is ignored. So is a session whose name another one has taken over, because that one is to get everything
// that was not acknowledged before. Errors: [ErrUnknownSubscriber]; [*RangeError] beyond what was sent to the subscriber.
func (l *Log) Acknowledge(session, name string, sequence uint64) error {
	l.mu.Lock()
	s := l.subscriber(name)
	if s == nil {
		l.mu.Unlock()
		return ErrUnknownSubscriber
	}
	if session != "" && s.session != session {
		l.mu.Unlock()
		return nil
	}
	if sequence > s.sent {
		err := &RangeError{Sequence: sequence, Oldest: l.store.first, Limit: s.sent}
		l.mu.Unlock()
		return err
	}
	l.acknowledge(s, sequence)
	l.unlock(l.settle())
	return nil
}

// Depart says that one session of a durable subscriber ("": the present one) will not come back when its cursor has ended. That
// only matters after [Log.Hasten]: the log does not wait for it then.
func (l *Log) Depart(session, name string) {
	l.mu.Lock()
	if s := l.subscriber(name); s != nil && (session == "" || s.session == session) {
		s.leaving = true
	}
	l.unlock(l.settle())
}

// acknowledge moves a subscriber forward, and gives its cursor credit for more batches. l.mu is held, and settle must follow.
func (l *Log) acknowledge(s *subscriber, sequence uint64) {
	if sequence > s.acked {
		s.acked = sequence
		s.position = l.store.position(sequence + 1)
	}
	s.sent = max(s.sent, s.acked)
	if s.cursor != nil {
		s.cursor.credit()
	}
}

func (l *Log) subscriber(name string) *subscriber {
	for _, s := range l.durable {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (l *Log) addSubscriber(name string, acked uint64) *subscriber {
	s := &subscriber{name: name, mode: Acknowledging, acked: acked, sent: acked, position: l.store.position(acked + 1)}
	l.durable = append(l.durable, s)
	return s
}

// beginAbsence starts a subscriber's grace time, unless nothing depends on it any more. l.mu is held.
func (l *Log) beginAbsence(s *subscriber) {
	if l.isDrained() {
		return
	}
	away := new(absence)
	away.grace = time.AfterFunc(l.options.Grace, func() { l.lose(s, away) })
	s.absence = away
}

// endAbsence ends the grace time. l.mu is held.
func (s *subscriber) endAbsence() {
	if s.absence != nil {
		s.absence.grace.Stop()
		s.absence = nil
	}
}

// lose forgets a subscriber that was away for the grace time, unless it has come back in this very moment.
func (l *Log) lose(s *subscriber, away *absence) {
	l.mu.Lock()
	if s.absence != away {
		l.mu.Unlock()
		return
	}
	l.durable = slices.DeleteFunc(l.durable, func(other *subscriber) bool { return other == s })
	l.lost = append(l.lost, lostSubscriber{name: s.name, acked: s.acked})
	if len(l.lost) > maxLost {
		l.lost = slices.Delete(l.lost, 0, 1)
	}
	tell := l.options.OnLost != nil && !l.closed
	l.unlock(l.settle())
	if tell {
		l.options.OnLost(s.name)
	}
}
