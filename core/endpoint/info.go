package endpoint

import (
	"cmp"
	"slices"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// Phase is where an endpoint is in its life.
type Phase uint8

const (
	Deferred Phase = iota // bound or connected, waiting for Start
	Running
	Stopping // no new connections and no new packets; what is queued goes out
	Stopped
)

// Stats is an endpoint at one moment. Counters count from its beginning.
type Stats struct {
	Phase            Phase
	Created          time.Time
	Connections      int // open now
	ConnectionsTotal uint64
	Refused          map[Refusal]uint64 // at accept; every Refusal is there
	Closed           map[string]uint64  // by cause; each of session.Causes is there
	AcceptErrors     uint64             // how often the system could not hand over a connection, which is accepted later
	Paced            uint64             // how often a connection had to wait because of PacketsPerSecond or BytesPerSecond
	LogFull          uint64             // sends that were refused with ErrLogFull
	PacketsReceived  uint64             // internal ones included
	PacketsSent      uint64             // internal ones included; a broadcast counts once for each connection
	BytesReceived    uint64
	BytesSent        uint64
	Limits           Limits // in force
}

// Stats returns the endpoint's counters.
func (e *Endpoint) Stats() Stats {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return Stats{
		Phase: e.phase, Created: e.created, Limits: e.limits,
		Connections:      len(e.conns),
		ConnectionsTotal: e.counters.connections.Load(),
		Refused:          load(e.counters.refused),
		Closed:           load(e.counters.closed),
		AcceptErrors:     e.counters.acceptErrors.Load(),
		Paced:            e.counters.paced.Load(),
		LogFull:          e.counters.logFull.Load(),
		PacketsReceived:  e.counters.packetsReceived.Load(),
		PacketsSent:      e.counters.packetsSent.Load(),
		BytesReceived:    e.counters.bytesReceived.Load(),
		BytesSent:        e.counters.bytesSent.Load(),
	}
}

// ConnInfo is a connection at one moment.
type ConnInfo struct {
	ID              uint64
	Remote, Local   event.Addr
	View            packet.Conn // state, mode, connection type, TLS level
	Groups          []string    // sorted
	Since           time.Time
	PacketsReceived uint64
	PacketsSent     uint64
	BytesReceived   uint64
	BytesSent       uint64
	Queued          int // bytes waiting for the peer
}

// Conns returns up to n connections with ids above after, in order of id. A client's only one, id 0, is always among them.
func (e *Endpoint) Conns(after uint64, n int) []ConnInfo {
	conns := slices.DeleteFunc(e.snapshot(), func(c *conn) bool { return c.id <= after && c.id != 0 })
	slices.SortFunc(conns, func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
	infos := make([]ConnInfo, 0, min(n, len(conns)))
	for _, c := range conns[:min(n, len(conns))] {
		infos = append(infos, c.info())
	}
	return infos
}

func (c *conn) info() ConnInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	groups := make([]string, 0, len(c.groups))
	for name := range c.groups {
		groups = append(groups, name)
	}
	slices.Sort(groups)
	return ConnInfo{
		ID: c.id, Remote: c.peer, Local: c.local(), View: c.sess.View(), Groups: groups, Since: c.since,
		PacketsReceived: c.packetsReceived.Load(), PacketsSent: c.packetsSent.Load(),
		BytesReceived: c.bytesReceived.Load(), BytesSent: c.bytesSent.Load(), Queued: c.queue.size,
	}
}
