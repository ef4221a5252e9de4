// Package endpoint is peng3dnet servers and clients: their sockets, goroutines and limits around the state machines of
// package session. It is the only part of core that knows the network.
//
// A [Server] is made by [Listen], a [Client] by [Dial]; both report what happens to them to the event.Sink of their
// options, and take packets through Send and Broadcast. A sink that is an event.Gate slows the peers down when it is full.
//
// Every connection has one goroutine that reads it (serve). Its packets are decoded and checked without a lock, then handled
// under the connection's lock, which also orders sends, closes and their events. Writing is one non-blocking attempt under
// that lock; what the kernel does not take waits in a bounded queue, which a writer goroutine empties and then ends.
//
// What all connections of a process hold together is bounded by a [Budget] that their endpoints share.
//
// Files are named after what they do:
//
//   - the endpoint: endpoint, options, listen, dial, ping, update, flush, info, end
//   - a connection: accept, conn, tls, read (attempt, pace), handle, close, linger
//   - packets on their way out: send, batch, frame, write, queue; broadcast, target, delivery
//   - what limits cost: janitor (time), memory and budget (bytes), complain (log lines), counters
package endpoint
