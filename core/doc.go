// Package core holds the peng3dnet protocol: a TCP stream of length-prefixed MessagePack packets, a handshake that agrees
// on a registry of packet types, and the events by which applications follow it. It knows nothing of gRPC or protobuf; a Go
// program can use it as it is. The package itself is empty: this is the map.
//
// # What is where
//
// Dependencies point downwards.
//
//   - [github.com/pengbridge/pengbridge/core/endpoint]: servers and clients, their sockets, goroutines, TLS and limits. The
//     only package that knows the network and the clock.
//   - [github.com/pengbridge/pengbridge/core/session]: one connection's state machine, for both sides. Packets and the time
//     go in, frames and events come out.
//   - [github.com/pengbridge/pengbridge/core/packet]: packet types, the registry, rules, the checking of bodies, and
//     peng3dnet's own packets.
//   - [github.com/pengbridge/pengbridge/core/wire]: frames and zlib bodies.
//   - [github.com/pengbridge/pengbridge/core/event]: what can happen, under the names that peng3dnet programs know.
//
// # Where a byte comes in
//
// A connection's goroutine (endpoint, read.go) waits until its socket has bytes and the sink's gate lets it read. What it
// read, at most 64 KiB in a pooled buffer, goes through [session.Inbound], without a lock: [wire.Decoder] cuts it into
// frames, [wire.Inflate] unpacks bodies, [packet.Check] makes sure that every program can decode them. Up to 256 packets
// are then given to [session.Session.Receive] under the connection's lock. The session consumes the handshake, asks the
// [packet.Rule] of application packets, and adds to a [session.Output] what to report and what to write.
//
// # Where a packet goes out
//
// [endpoint.Endpoint.Send] checks and encodes the body without a lock ([wire.Compression.AppendPacket]), asks
// [session.Session.Permit] under the connection's lock, and makes one attempt to write. What the kernel does not take waits
// in the connection's bounded queue (endpoint, queue.go) for a writer that exists only as long as there is something to
// write. [endpoint.Endpoint.Broadcast] does the same for many connections with one frame and one event.
//
// # Where an event goes out
//
// Everything that happens to a connection is appended to the endpoint's [event.Sink] under that connection's lock, before
// its bytes are written: accept first, close last and once. A sink that is an [event.Gate] is asked before each read, so
// that a slow application slows its peers; nothing else waits for it.
//
// # How things end
//
// The first cause of a connection's end is its reason ([session.Session.Close], [session.Session.Cut],
// [session.Session.StreamEnd]). Bytes that make no sense end their connection alone. [endpoint.Endpoint.Stop] and
// [endpoint.Endpoint.Shutdown] end an endpoint in a bounded time; when [endpoint.Endpoint.Done] is closed, no goroutine is
// left and the last event was appended.
package core

// The packages of the map, imported for the links above alone.
import (
	_ "github.com/pengbridge/pengbridge/core/endpoint"
	_ "github.com/pengbridge/pengbridge/core/event"
	_ "github.com/pengbridge/pengbridge/core/packet"
	_ "github.com/pengbridge/pengbridge/core/session"
	_ "github.com/pengbridge/pengbridge/core/wire"
)
