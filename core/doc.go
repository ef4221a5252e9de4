// Package core holds the peng3dnet protocol: a TCP stream of length-prefixed MessagePack packets, a handshake that agrees
// on a registry of packet types, and the events that let applications follow it. It knows nothing of gRPC or protobuf; a Go
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
// Files are those of package endpoint, unless another is named.
//
//  1. [endpoint.Listen] begins to accept (accept.go), and makes each socket a conn with a goroutine that reads it (conn.go,
//     read.go: serve). [endpoint.Dial] gives its one socket the same.
//  2. read waits until there are bytes and the sink's [event.Gate] lets them in, and takes at most 64 KiB into a pooled
//     buffer, or into the memory of a large frame that has begun.
//  3. handle (handle.go) turns them into packets, without a lock, by [session.Inbound]: [wire.Decoder] cuts out frames,
//     [wire.Inflate] unpacks bodies, [packet.Check] makes sure that every program can decode them.
//  4. receivePackets gives up to 256 packets at a time to [session.Session.Receive], under the connection's lock. The session
//     (its receive.go and handshake.go) consumes the handshake, asks the [packet.Rule] of application packets, and adds to a
//     [session.Output] what to report and what to write.
//  5. carryOut (conn.go) appends the events to the endpoint's [event.Sink], where the application takes over, and writes the
//     frames.
//
// # Where a packet goes out
//
//  1. [endpoint.Endpoint.Send] (send.go) finds the connection, and encode (frame.go) makes a frame of the checked body, without
//     a lock, by [wire.Compression.AppendPacket].
//  2. Under the connection's lock [session.Session.Permit] finds the packet's id and asks its rule. The sink must have room for
//     the send event, and the connection's queue for the frame.
//  3. deliver appends the send event to the sink, and write (write.go) makes one attempt to write that does not block.
//  4. What the kernel does not take waits in the connection's bounded queue (queue.go) for a goroutine that writes (drain),
//     which exists only as long as there is something to write.
//
// An [endpoint.Batch] (batch.go) does the same, but writes only when it is flushed. [endpoint.Endpoint.Broadcast] does it for
// many connections (target.go, delivery.go) with one frame and one event.
//
// # What a sink sees
//
// Everything that happens to a connection is appended to the [event.Sink] under that connection's lock, before its bytes are
// written: accept first, close last and once. A sink that is an [event.Gate] is asked before each read, so that a slow
// application slows its peers; a send that it has no room for is refused, and nothing else waits for it. In the sidecar, the
// sink is the log of package sidecar/eventlog, and the way goes on in sidecar/doc.go.
//
// # How things end
//
// The first cause of a connection's end is its reason ([session.Session.Close], [session.Session.Cut],
// [session.Session.StreamEnd]). When nothing is left to write, conclude (close.go) reports the close, and the connection's
// goroutine leaves the end of the stream to the peer for a moment (linger.go). Bytes that make no sense end their connection
// alone; the janitor (janitor.go) ends those whose time is up.
//
// [endpoint.Endpoint.Stop] and [endpoint.Endpoint.Shutdown] end an endpoint in a bounded time (end.go); when
// [endpoint.Endpoint.Done] is closed, no goroutine is left and the last event was appended.
package core

// The packages of the map, imported for the links above alone.
import (
	_ "github.com/pengbridge/pengbridge/core/endpoint"
	_ "github.com/pengbridge/pengbridge/core/event"
	_ "github.com/pengbridge/pengbridge/core/packet"
	_ "github.com/pengbridge/pengbridge/core/session"
	_ "github.com/pengbridge/pengbridge/core/wire"
)
