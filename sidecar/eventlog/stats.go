// Figures for people and metrics.

package eventlog

import "time"

// Stats describe a log at one moment.
type Stats struct {
	First         uint64        // the oldest sequence held; Last+1 when nothing is held
	Last          uint64        // the last sequence; 0 when nothing ever happened
	BacklogBytes  int64         // bytes of encoded events that the slowest durable subscriber has not acknowledged
	BacklogEvents uint64        // how many events those are
	MemoryBytes   int           // what the log occupies, including unused room
	Closed        bool          // whether the gate is closed
	Pauses        uint64        // how often the gate was closed
	Paused        time.Duration // for how long in total, including the present closure
	Subscribers   []SubscriberStats
}

// SubscriberStats describe one subscriber.
type SubscriberStats struct {
	Name         string
	Mode         Mode   // of one that is expected but never came: Acknowledging
	Connected    bool   // whether it has a cursor
	Acknowledged uint64 // 0 for an observer
	Sent         uint64 // the last sequence handed out, or filtered out
	Session      string // of a durable subscriber that came
}

// Stats returns the figures: durable subscribers in the order in which they first came, then observers.
func (l *Log) Stats() Stats {
	closed, pauses, paused := l.gate.state()
	l.mu.Lock()
	defer l.mu.Unlock()
	acked, position := l.slowest()
	stats := Stats{
		First: l.store.first, Last: l.store.last(),
		BacklogBytes: l.store.end - position, BacklogEvents: l.store.last() - acked, MemoryBytes: l.store.memory,
		Closed: closed, Pauses: pauses, Paused: paused,
		Subscribers: make([]SubscriberStats, 0, len(l.durable)+len(l.observers)),
	}
	for _, s := range l.durable {
		stats.Subscribers = append(stats.Subscribers, SubscriberStats{
			Name: s.name, Mode: s.mode, Connected: s.cursor != nil, Acknowledged: s.acked, Sent: s.sent, Session: s.session,
		})
	}
	for _, c := range l.observers {
		stats.Subscribers = append(stats.Subscribers, SubscriberStats{Name: c.name, Connected: true, Sent: c.next - 1})
	}
	return stats
}

// last returns the log's last sequence.
func (l *Log) last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store.last()
}
