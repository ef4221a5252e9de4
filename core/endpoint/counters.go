package endpoint

import (
	"sync/atomic"

	"github.com/pengbridge/pengbridge/core/session"
)

// Refusal is why a server did not admit a connection.
type Refusal string

// The refusals.
const (
	RefusedConnections Refusal = "max_connections"             // Limits.MaxConnections
	RefusedAddress     Refusal = "max_connections_per_address" // Limits.MaxConnectionsPerAddress
	RefusedStopping    Refusal = "stopping"                    // the endpoint is about to end
)

// counters count from the endpoint's beginning.
type counters struct {
	connections                  atomic.Uint64
	packetsReceived, packetsSent atomic.Uint64
	bytesReceived, bytesSent     atomic.Uint64
	acceptErrors, paced, logFull atomic.Uint64
	// The maps do not change; what they point to does.
	refused map[Refusal]*atomic.Uint64
	closed  map[string]*atomic.Uint64 // by session.Cause
}

// init makes the maps.
func (c *counters) init() {
	c.refused = counts(RefusedConnections, RefusedAddress, RefusedStopping)
	c.closed = counts(session.Causes()...)
}

func counts[K comparable](keys ...K) map[K]*atomic.Uint64 {
	m := make(map[K]*atomic.Uint64, len(keys))
	for _, key := range keys {
		m[key] = new(atomic.Uint64)
	}
	return m
}

// load returns what is counted at this moment.
func load[K comparable](counts map[K]*atomic.Uint64) map[K]uint64 {
	m := make(map[K]uint64, len(counts))
	for key, n := range counts {
		m[key] = n.Load()
	}
	return m
}
