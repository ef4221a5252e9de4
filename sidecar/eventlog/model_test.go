package eventlog_test

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// model is what a log promises, said in slices and loops.
type model struct {
	options    eventlog.Options
	events     []event.Event // sequence 1 is index 0
	ends       []int64       // bytes of all events up to this one
	first      uint64
	closed     bool
	wasDrained bool
	durable    []*modelSubscriber
	observers  []*modelCursor
	lost       map[string]uint64 // what they had acknowledged

	gateClosed bool
	pauses     uint64
	inside     int64
}

type modelSubscriber struct {
	name        string
	mode        eventlog.Mode // Observer: never seen
	acked, sent uint64
	cursor      *modelCursor
	deadline    time.Time // of its absence
}

type modelCursor struct {
	real       *eventlog.Cursor
	subscriber *modelSubscriber
	name       string
	types      []event.Type
	next       uint64
	delivered  uint64
	underWay   []uint64
	last       eventlog.Batch // what Sent may be told
	err        error
}

func newModel(options eventlog.Options, now time.Time) *model {
	m := &model{options: options, first: 1, lost: map[string]uint64{}}
	if options.Expected != "" {
		m.durable = append(m.durable, &modelSubscriber{name: options.Expected, deadline: now.Add(options.Grace)})
	}
	return m
}

func (m *model) last() uint64 { return uint64(len(m.events)) }

// bytes returns the size of the events from first up to last.
func (m *model) bytes(first, last uint64) int64 {
	if last < first {
		return 0
	}
	n := m.ends[last-1]
	if first > 1 {
		n -= m.ends[first-2]
	}
	return n
}

func (m *model) slowest() uint64 {
	acked := m.last()
	for _, s := range m.durable {
		acked = min(acked, s.acked)
	}
	return acked
}

func (m *model) append(events []event.Event) {
	for _, e := range events {
		m.events = append(m.events, e)
		size := proto.Size(&pengbridgev1.SubscribeResponse{Events: []*pengbridgev1.Event{toProto(m.last(), e)}})
		m.ends = append(m.ends, m.bytes(1, m.last()-1)+int64(size))
	}
	m.settle()
}

// settle frees what nobody needs and turns the gate.
func (m *model) settle() {
	keep := m.slowest() + 1
	ring := len(m.durable) == 0 || len(m.observers) > 0
	for _, s := range m.durable {
		ring = ring || s.mode == eventlog.Durable
	}
	if ring {
		oldest := m.first
		for oldest < m.last() && m.bytes(oldest, m.last()) > int64(m.options.RingBytes) {
			oldest++
		}
		keep = min(keep, oldest)
	}
	m.first = max(m.first, keep)

	bytes, events := m.backlog()
	limit := int64(m.options.BacklogBytes)
	switch {
	case m.gateClosed && bytes <= limit/2 && int(events) <= m.options.BacklogEvents/2:
		m.gateClosed = false
	case !m.gateClosed && (bytes > limit-m.grant() || int(events) >= m.options.BacklogEvents):
		m.gateClosed = true
		m.pauses++
	}
}

func (m *model) backlog() (bytes int64, events uint64) {
	acked := m.slowest()
	return m.bytes(acked+1, m.last()), m.last() - acked
}

func (m *model) grant() int64 { return min(64<<10, int64(m.options.BacklogBytes)/4) }

// admits reports whether another reader may pass the gate.
func (m *model) admits() bool {
	bytes, _ := m.backlog()
	return len(m.durable) == 0 || !m.gateClosed && bytes+(m.inside+1)*m.grant() <= int64(m.options.BacklogBytes)
}

func (m *model) full() bool {
	bytes, events := m.backlog()
	return bytes >= int64(m.options.BacklogBytes) || int(events) >= m.options.BacklogEvents
}

// drained stays true: subscribers that come after that may read, but are not waited for.
func (m *model) drained() bool {
	m.wasDrained = m.wasDrained || m.closed && m.slowest() == m.last()
	return m.wasDrained
}

func (m *model) subscriber(name string) *modelSubscriber {
	for _, s := range m.durable {
		if s.name == name {
			return s
		}
	}
	return nil
}

// subscribe returns where a subscription starts, or the error.
func (m *model) subscribe(r eventlog.Request) (*modelCursor, error) {
	s := m.subscriber(r.Name)
	if r.Mode == eventlog.Observer {
		s = nil
	}
	if s != nil && s.mode != eventlog.Observer && s.mode != r.Mode {
		return nil, &eventlog.OtherModeError{Name: s.name, Mode: s.mode}
	}
	from := r.From
	if from == 0 {
		from = m.first
		if acked, lost := m.lost[r.Name]; lost && r.Mode != eventlog.Observer {
			from = acked + 1
		}
		if s != nil {
			from = s.acked + 1
		}
	}
	if r.Mode != eventlog.Observer {
		delete(m.lost, r.Name)
	}
	if from < m.first {
		return nil, &eventlog.GoneError{Sequence: from, Oldest: m.first}
	}
	if from > m.last()+1 {
		return nil, &eventlog.RangeError{Sequence: from, Oldest: m.first, Limit: m.last() + 1}
	}
	c := &modelCursor{name: r.Name, types: r.Types, next: from}
	if r.Mode == eventlog.Observer {
		m.observers = append(m.observers, c)
		return c, nil
	}
	if s == nil {
		s = &modelSubscriber{name: r.Name}
		m.durable = append(m.durable, s)
	}
	if s.cursor != nil && s.cursor.err == nil {
		s.cursor.err = eventlog.ErrTakenOver
	}
	s.mode, s.cursor, c.subscriber = r.Mode, c, s
	m.advance(s, from-1)
	return c, nil
}

// advance moves what a subscriber has acknowledged, and credits its cursor.
func (m *model) advance(s *modelSubscriber, sequence uint64) {
	s.acked = max(s.acked, sequence)
	s.sent = max(s.sent, s.acked)
	if c := s.cursor; c != nil {
		c.underWay = slices.DeleteFunc(c.underWay, func(last uint64) bool { return last <= s.acked })
		c.skip(c.next - 1)
	}
}

// skip: filtered-out events are acknowledged when nothing before them is under way.
func (c *modelCursor) skip(last uint64) {
	if len(c.types) > 0 && c.subscriber.acked >= c.delivered {
		c.subscriber.acked = max(c.subscriber.acked, last)
	}
}

// deliver takes note of a batch, after which the cursor stands at next.
func (m *model) deliver(c *modelCursor, batch eventlog.Batch, next uint64) {
	c.next = next
	s := c.subscriber
	if s == nil {
		return
	}
	s.sent = max(s.sent, next-1)
	if batch.Count > 0 {
		c.skip(batch.First - 1)
		c.delivered, c.last = batch.Last, batch
		if s.mode == eventlog.Acknowledging && batch.Last > s.acked {
			c.underWay = append(c.underWay, batch.Last)
		}
	}
	c.skip(next - 1)
}

// wanted returns the sequences from c.next up to, not including, the limit that pass the cursor's filter.
func (m *model) wanted(c *modelCursor, limit uint64) []uint64 {
	var sequences []uint64
	for s := c.next; s < limit; s++ {
		if len(c.types) == 0 || slices.Contains(c.types, m.events[s-1].Type) {
			sequences = append(sequences, s)
		}
	}
	return sequences
}

func (m *model) close(c *modelCursor, now time.Time) {
	if s := c.subscriber; s != nil && s.cursor == c {
		s.cursor = nil
		s.deadline = now.Add(m.options.Grace)
	}
	m.observers = slices.DeleteFunc(m.observers, func(other *modelCursor) bool { return other == c })
	m.settle()
}

// expire removes subscribers that have been away too long, one by one, and returns their names.
func (m *model) expire(now time.Time) (names []string) {
	for {
		var gone *modelSubscriber
		for _, s := range m.durable {
			if s.cursor == nil && !s.deadline.After(now) && (gone == nil || s.deadline.Before(gone.deadline)) {
				gone = s
			}
		}
		if gone == nil || m.drained() {
			return names
		}
		m.durable = slices.DeleteFunc(m.durable, func(s *modelSubscriber) bool { return s == gone })
		m.lost[gone.name] = gone.acked
		m.settle()
		if !m.closed {
			names = append(names, gone.name)
		}
	}
}

// stats returns what Stats must show.
func (m *model) stats() eventlog.Stats {
	bytes, events := m.backlog()
	stats := eventlog.Stats{
		First: m.first, Last: m.last(), BacklogBytes: bytes, BacklogEvents: events,
		Closed: m.gateClosed, Pauses: m.pauses, Subscribers: []eventlog.SubscriberStats{},
	}
	for _, s := range m.durable {
		mode := s.mode
		if mode == eventlog.Observer {
			mode = eventlog.Acknowledging
		}
		stats.Subscribers = append(stats.Subscribers, eventlog.SubscriberStats{
			Name: s.name, Mode: mode, Connected: s.cursor != nil, Acknowledged: s.acked, Sent: s.sent,
		})
	}
	for _, c := range m.observers {
		stats.Subscribers = append(stats.Subscribers, eventlog.SubscriberStats{
			Name: c.name, Connected: true, Sent: c.next - 1,
		})
	}
	return stats
}
