package sidecar

// Logs that were read to their end. An endpoint is forgotten when its subscribers have acknowledged its last event. If a
// subscriber's stream broke before it could end, the subscriber comes back once more, and has to hear that nothing is left.

import (
	"slices"
	"sync"
)

// maxReadLogs is how many are remembered: those that ended last.
const maxReadLogs = 64

// readLog is what is remembered of a log.
type readLog struct {
	owner, id string
	last      uint64   // the sequence of the last event
	sessions  []string // of the durable subscribers, all of which have acknowledged it
}

// readLogs remembers them. The zero value has none. All methods may be called concurrently.
type readLogs struct {
	mu   sync.Mutex
	logs []readLog
}

// add remembers the log of an endpoint whose subscribers have all of it.
func (r *readLogs) add(h *hosted) {
	stats := h.log.Stats()
	log := readLog{owner: h.owner, id: h.id, last: stats.Last}
	for _, s := range stats.Subscribers {
		if s.Session != "" {
			log.sessions = append(log.sessions, s.Session)
		}
	}
	if len(log.sessions) == 0 { // nobody can come back
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.logs) == maxReadLogs {
		r.logs = slices.Delete(r.logs, 0, 1)
	}
	r.logs = append(r.logs, log)
}

// last returns the last sequence of a log that a session has read to its end.
func (r *readLogs) last(owner, id, session string) (sequence uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, log := range r.logs {
		if log.owner == owner && log.id == id && slices.Contains(log.sessions, session) {
			return log.last, true
		}
	}
	return 0, false
}
