// Package session is the state machine of one peng3dnet connection, for both sides. It has no socket, no clock and no
// goroutine: packets and the time go in, frames to write and events to report come out.
//
// An [Inbound] turns received bytes into checked packets; it belongs to the socket's reader. A [Session] takes those packets,
// the application's sends and the end of the connection, and decides what they mean; its owner serialises calls with a lock.
// What it decides is added to an [Output].
//
// The life of a connection (protocol, sections 2 and 3), server and client:
//
//	accepted   --hello-->          waiting for the type      connected --------->           waiting for hello
//	           <-settype--                                             <--hello, settype-->  waiting for the handshake
//	           --handshake-->      waiting for acceptance
//	           <-accept---         active                              <--handshake, accept--> active
//
// Connection types without a handshake ("ping" and declared ones) are active as soon as the type is announced. The
// first cause of a connection's end is its reason; later ones change nothing.
package session
