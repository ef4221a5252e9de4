// Package event says what can happen at a peng3dnet endpoint, under the names that peng3dnet programs know.
//
// An endpoint reports events to a [Sink], in the order in which they happened to it: initialize, bind or connect, start;
// then, for every connection, accept, send(hello), recv(settype), send(handshake), recv(accept), handshakecomplete,
// application packets, and close, once and last; in the end stop, interrupt and, where Shutdown was called, shutdown.
package event

import "time"

// Type names what happened. The comment of each constant lists the fields of [Event] that it sets besides Type and Time.
type Type uint8

// The twenty events. Names are those of the peng3d event system (peng3dnet's "Events used by peng3dnet").
const (
	ServerInitialize        Type = iota + 1 // the endpoint exists
	ServerBind                              // Addr: the bound address
	ServerStart                             // connections are accepted from now on
	ServerStop                              // Reason: "method"
	ServerInterrupt                         // Interrupt or Stop was called
	ServerShutdown                          // Reason, Join, Timeout: Shutdown's arguments
	ServerAccept                            // Conn, Addr: the peer's address, Local: ours
	ServerHandshakeComplete                 // Conn
	ServerSend                              // Conn or Conns, PacketID, Packet, Body, Frame
	ServerRecv                              // Conn, PacketID, Packet, Body, Refused
	ServerClose                             // Conn, Reason, Detail
	ClientInitialize                        // the endpoint exists
	ClientConnect                           // Addr: as asked for, Remote: the server's address, Local: ours
	ClientStart                             // packets are read from now on
	ClientStop                              // Reason: "method"
	ClientInterrupt                         // Interrupt or Stop was called
	ClientHandshakeComplete                 // Registry: as agreed with the server
	ClientRecv                              // PacketID, Packet, Body, Refused
	ClientSend                              // PacketID, Packet, Body
	ClientClose                             // Reason, Detail

	// Types is one more than the last type: the length of a table indexed by Type.
	Types = int(ClientClose) + 1
)

var names = [Types]string{
	ServerInitialize:        "peng3dnet:server.initialize",
	ServerBind:              "peng3dnet:server.bind",
	ServerStart:             "peng3dnet:server.start",
	ServerStop:              "peng3dnet:server.stop",
	ServerInterrupt:         "peng3dnet:server.interrupt",
	ServerShutdown:          "peng3dnet:server.shutdown",
	ServerAccept:            "peng3dnet:server.connection.accept",
	ServerHandshakeComplete: "peng3dnet:server.connection.handshakecomplete",
	ServerSend:              "peng3dnet:server.connection.send",
	ServerRecv:              "peng3dnet:server.connection.recv",
	ServerClose:             "peng3dnet:server.connection.close",
	ClientInitialize:        "peng3dnet:client.initialize",
	ClientConnect:           "peng3dnet:client.connect",
	ClientStart:             "peng3dnet:client.start",
	ClientStop:              "peng3dnet:client.stop",
	ClientInterrupt:         "peng3dnet:client.interrupt",
	ClientHandshakeComplete: "peng3dnet:client.handshakecomplete",
	ClientRecv:              "peng3dnet:client.recv",
	ClientSend:              "peng3dnet:client.send",
	ClientClose:             "peng3dnet:client.close",
}

// String returns the name that peng3dnet programs subscribe to, or "" for a value that is no event type.
func (t Type) String() string {
	if int(t) < Types {
		return names[t]
	}
	return ""
}

// Addr is one end of a TCP connection, or a host name that stands for one.
type Addr struct {
	Host string // an IP address without brackets, or a name
	Port uint16
}

// Registered is one row of a packet registry.
type Registered struct {
	Name string
	ID   uint32
}

// Event is one thing that happened. Which fields are set depends on Type; all others are zero.
type Event struct {
	Type Type
	// Refused marks a received packet that a rule, an unfinished handshake or an unknown id kept from being accepted.
	Refused bool
	// Owned says that nobody else uses Body's memory: a sink may keep it, but must not change it. The bodies of large received
	// packets are owned.
	Owned    bool
	Join     bool
	PacketID uint32
	// Conn is the server's number for the connection, from 1 up; 0 on clients.
	Conn uint64
	// Conns lists the connections of a broadcast; Conn is 0 then.
	Conns  []uint64
	Time   time.Time
	Packet string // "" for an unregistered id
	// Body is exactly one MessagePack value, checked but not decoded. The sink may use it until Append returns, or
	// for good if it is Owned.
	Body []byte
	// Frame is the packet as it goes out, length prefix included. The sink may use it until Append returns.
	Frame  []byte
	Addr   Addr
	Local  Addr
	Remote Addr
	// Reason is nil for the reference's None.
	Reason   *string
	Detail   string // says more than Reason, for a person
	Timeout  time.Duration
	Registry []Registered // ordered by id
}

// A Sink takes an endpoint's events.
//
// Append is called from many goroutines at once, but never at the same time for the same connection; the exception is the
// one event of a broadcast, which lists its connections in Conns. The events of one call are in order and stay together. Append
// must not block for long, must not call back into the endpoint, and must not keep the slice, nor any Frame or any Body
// that is not Owned, after it returns.
type Sink interface {
	Append(events []Event)
}

// A Gate is a [Sink] that can be full. An endpoint whose sink is a Gate asks it before each read from a socket and before
// each send that would be reported, so that a slow application slows its peers instead of filling the memory.
type Gate interface {
	Sink
	// TryEnter reports whether one read of at most 64 KiB may be made now and its events appended; if so, Leave must follow.
	TryEnter() bool
	// Enter does the same, but waits in line while the gate is closed. It returns false, and needs no Leave, when done is
	// closed first.
	Enter(done <-chan struct{}) bool
	// Leave ends what TryEnter or Enter began.
	Leave()
	// Full reports whether recording a send event would go beyond the limit.
	Full() bool
	// Paused returns how long the gate has been closed in total, the present closure included: timers that judge peers
	// stand still for that long.
	Paused() time.Duration
}

// Func makes a [Sink] of a function that is called for each event, one at a time for each connection.
type Func func(Event)

// Append calls f for each event.
func (f Func) Append(events []Event) {
	for i := range events {
		f(events[i])
	}
}
