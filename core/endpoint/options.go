package endpoint

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// DefaultPort is the port of addresses that name none.
const DefaultPort = 8080

// Options are what servers and clients have in common. The zero value is an endpoint without packets that reports nothing.
type Options struct {
	// Packets are the packet types, in registration order.
	Packets []packet.Type
	// Conntypes are connection types besides "classic" and "ping".
	Conntypes []session.Conntype
	// Compression says when bodies are compressed. nil: wire.DefaultCompression.
	Compression *wire.Compression
	// Limits bound what peers may cost.
	Limits Limits
	// Events takes the events. nil: there are none. If it is an event.Gate, it also holds up reading when it is full.
	Events event.Sink
	// Omit reports whether events of a type are left out. nil: none are.
	Omit func(event.Type) bool
	// Budget bounds the memory that all endpoints which share it take for their peers. nil: only Limits do, for each connection
	// by itself.
	Budget *Budget
	// TLS protects the connections. nil: nothing does. A client whose configuration has no ServerName checks the host it dials.
	TLS *tls.Config
	// DeferredStart makes the endpoint wait for Start before it accepts or reads.
	DeferredStart bool
	// Version is the release that hello and handshake packets announce. "": session.CompatibleRelease.
	Version string
	// Logger takes what an operator should know. nil: nothing is logged.
	Logger *slog.Logger
}

// ServerOptions are Options for Listen.
type ServerOptions struct {
	Options
	// Ping makes the server answer pings. nil: it closes them with "unknownconntype".
	Ping *session.PingAnswer
}

// ClientOptions are Options for Dial.
type ClientOptions struct {
	Options
	// Conntype is what the client announces. "": "classic".
	Conntype string
	// Missing says what to do about packet names that only one side has.
	Missing session.MissingPackets
	// DisableRegistrySync keeps our own packet ids, without even comparing them with the server's.
	DisableRegistrySync bool
	// WaitHandshake makes Dial return only when the connection is active.
	WaitHandshake bool
}

// Limits bound what peers may cost. A zero field means the default.
type Limits struct {
	MaxPacket                int           // bytes of body, as received and inflated; 16 MiB
	MaxHandshakePacket       int           // the same before the handshake is complete; 64 KiB
	MaxRegistry              int           // the same for the registry that a client receives; 1 MiB
	HandshakeTimeout         time.Duration // from accept to active; 10 s
	MaxConnections           int           // open at once; 65,536
	MaxConnectionsPerAddress int           // open at once from one IP address; no limit
	SendQueue                int           // bytes waiting for one peer; 32 MiB, at most 1 MiB for one that pings
	WriteStallTimeout        time.Duration // how long a peer may take none of these bytes; 60 s
	FrameStallTimeout        time.Duration // how long a peer may pause within a frame; 60 s
	IdleTimeout              time.Duration // how long an active peer may be silent; no limit
	PacketsPerSecond         int           // from one connection; no limit
	BytesPerSecond           int64         // from one connection; no limit
}

// DefaultLimits returns the limits that hold where no others are given.
func DefaultLimits() Limits {
	return Limits{
		MaxPacket:          16 << 20,
		MaxHandshakePacket: 64 << 10,
		MaxRegistry:        1 << 20,
		HandshakeTimeout:   10 * time.Second,
		MaxConnections:     65536,
		SendQueue:          32 << 20,
		WriteStallTimeout:  60 * time.Second,
		FrameStallTimeout:  60 * time.Second,
	}
}

// withDefaults returns the limits with every zero field replaced by its default.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	fill(&l.MaxPacket, d.MaxPacket)
	fill(&l.MaxHandshakePacket, d.MaxHandshakePacket)
	fill(&l.MaxRegistry, d.MaxRegistry)
	fill(&l.HandshakeTimeout, d.HandshakeTimeout)
	fill(&l.MaxConnections, d.MaxConnections)
	fill(&l.SendQueue, d.SendQueue)
	fill(&l.WriteStallTimeout, d.WriteStallTimeout)
	fill(&l.FrameStallTimeout, d.FrameStallTimeout)
	return l
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate says which limit is impossible, by the name that the API gives it. The error is a *packet.InvalidError.
func (l Limits) Validate() error {
	for _, f := range []struct {
		name     string
		negative bool
	}{
		{"max_packet_bytes", l.MaxPacket < 0},
		{"max_handshake_packet_bytes", l.MaxHandshakePacket < 0},
		{"max_registry_bytes", l.MaxRegistry < 0},
		{"handshake_timeout", l.HandshakeTimeout < 0},
		{"max_connections", l.MaxConnections < 0},
		{"max_connections_per_address", l.MaxConnectionsPerAddress < 0},
		{"send_queue_bytes", l.SendQueue < 0},
		{"write_stall_timeout", l.WriteStallTimeout < 0},
		{"frame_stall_timeout", l.FrameStallTimeout < 0},
		{"idle_timeout", l.IdleTimeout < 0},
		{"packets_per_second", l.PacketsPerSecond < 0},
		{"bytes_per_second", l.BytesPerSecond < 0},
	} {
		if f.negative {
			return &packet.InvalidError{Field: "limits." + f.name, Problem: "must not be negative"}
		}
	}
	for _, f := range []struct {
		name  string
		bytes int
	}{
		{"max_packet_bytes", l.MaxPacket},
		{"max_handshake_packet_bytes", l.MaxHandshakePacket},
		{"max_registry_bytes", l.MaxRegistry},
	} {
		if f.bytes > wire.MaxBody {
			return &packet.InvalidError{Field: "limits." + f.name, Problem: "must be at most 1 GiB"}
		}
	}
	return nil
}
