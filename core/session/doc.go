// Package session is one peng3dnet connection's state machine, for both sides. It has no socket, no clock and no goroutine:
// packets and the time go in, frames to write and events to report come out.
//
// An [Inbound] turns received bytes into checked packets; it belongs to whoever reads the socket. A [Session] takes those
// packets, the application's sends and the end of the connection, and decides what they mean; its owner serialises calls
// with a lock. What it decides is added to an [Output].
//
// The life of a connection (protocol, sections 2 and 3), server and client:
//
//	accepted   --hello-->          waiting for the type      connected --------->           waiting for hello
//	           <-settype--                                             <--hello, settype-->  waiting for the handshake
//	           --handshake-->      waiting for acceptance
//	           <-accept---         active                              <--handshake, accept--> active
//
// Connection types without a handshake ("ping" and declared ones) are active once the type was announced. Whatever
// happens first to end a connection is its reason; later causes change nothing.
package session
