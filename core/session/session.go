package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// The states of a connection as rules and applications see them (protocol, section 3). Values from StateActive up, except
// StateClosed, are the application's to set.
const (
	StateInit          uint32 = 0
	StateHandshakeWait uint32 = 1
	StateTypeWait      uint32 = 3
	StateHelloWait     uint32 = 4
	StateActive        uint32 = packet.StateActive
	StateClosed        uint32 = 128
)

// ModePing is the mode of a server's connection once a ping came in.
const ModePing uint32 = 2

// phase is how far the protocol has got. Unlike the state, the application cannot change it.
type phase uint8

const (
	phaseInit          phase = iota // not begun
	phaseHelloWait                  // client: waiting for hello
	phaseTypeWait                   // server: waiting for settype
	phaseHandshakeWait              // client: waiting for handshake
	phaseAcceptWait                 // server: waiting for accept
	phaseActive
	phaseClosing // the end is decided; what is queued can still go out
	phaseClosed  // the close event was reported
)

// Session is one connection's state machine. Its methods must not be called concurrently.
type Session struct {
	cfg   *Config
	id    uint64 // 0 on the client side
	phase phase
	view  packet.Conn // what rules look at

	handshake Handshake // how the announced type becomes active

	reason *string // why the connection ends; set with phaseClosing
	detail string
	// peerDone says that the peer needs nothing more: it has ended the connection itself, or it was cut.
	peerDone bool
	// peerCause is CausePeer or CauseStreamEnd if the peer ended the connection before we did; else "".
	peerCause string
}

// Output collects what a session decided. Its owner writes Frames, reports Events, and then calls Reset.
type Output struct {
	// Frames is what to write to the peer, in order.
	Frames []byte
	// Events is what to report, in order. Bodies alias the packets that were handled, and Frames.
	Events []event.Event
	// Sent counts the packets in Frames.
	Sent int

	// room is memory for the body of an internal packet. taken says that a body in Events uses it.
	room  []byte
	taken bool
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	clear(o.Events) // lets go of the bodies
	o.Frames, o.Events, o.Sent = o.Frames[:0], o.Events[:0], 0
	o.taken = false
}

// Shrink gives up memory that is larger than a number of bytes. The output must be empty.
func (o *Output) Shrink(bytes int) {
	if cap(o.Frames) > bytes {
		o.Frames = nil
	}
	if cap(o.room) > bytes {
		o.room = nil
	}
}

// body returns memory to append the body of an internal packet to. The first body uses room again: without that, a handshake
// left half a kilobyte of garbage behind for each connection.
func (o *Output) body() []byte {
	if o.taken {
		return nil
	}
	o.taken = true
	return o.room[:0]
}

// next adds an empty event and returns it.
func (o *Output) next() *event.Event {
	n := len(o.Events)
	o.Events = slices.Grow(o.Events, 1)[:n+1] // empty: Reset has cleared it
	return &o.Events[n]
}

// New returns the session of connection id, which is 0 for a client. Nothing happens before Begin.
func New(cfg *Config, id uint64) *Session {
	return &Session{cfg: cfg, id: id, view: packet.Conn{State: StateInit, Conntype: ConntypeNotSet}}
}

// Begin says that the connection is established, and how well it is protected. A server says hello; a client waits for it.
func (s *Session) Begin(now time.Time, level packet.TLSLevel, out *Output) {
	s.view.TLS = level
	if s.cfg.Side == packet.ClientSide {
		s.phase, s.view.State = phaseHelloWait, StateHelloWait
		return
	}
	s.view.State = StateHelloWait
	s.sendInternal(now, packet.IDHello, packet.AppendHello(out.body(), s.cfg.Version), out)
	s.phase, s.view.State = phaseTypeWait, StateTypeWait
}

// Accepted reports a server's new connection. It comes before Begin, so that accept is the connection's first event even
// where TLS has to be agreed on first.
func (s *Session) Accepted(now time.Time, peer, local event.Addr, out *Output) {
	s.report(event.Event{Type: event.ServerAccept, Time: now, Addr: peer, Local: local}, out)
}

// View returns what packet rules look at: state, mode, connection type and TLS level.
func (s *Session) View() packet.Conn { return s.view }

// Active reports whether application packets come and go.
func (s *Session) Active() bool { return s.phase == phaseActive }

// Closing reports whether the end is decided.
func (s *Session) Closing() bool { return s.phase >= phaseClosing }

// Closed reports whether the close event was reported.
func (s *Session) Closed() bool { return s.phase == phaseClosed }

// PeerDone reports whether nothing more needs to be sent: the peer has ended the connection itself, or it was cut.
func (s *Session) PeerDone() bool { return s.peerDone }

// Reason returns why the connection ends, nil for the reference's None, and more about it for a person.
func (s *Session) Reason() (*string, string) { return s.reason, s.detail }

// BodyLimit returns the largest body to be received now, in bytes.
func (s *Session) BodyLimit() int {
	switch {
	case s.phase == phaseHandshakeWait:
		return s.cfg.Limits.Registry
	case s.Stranger():
		return s.cfg.Limits.Handshake
	default:
		return s.cfg.Limits.Packet
	}
}

// Stranger reports whether the peer has shown nothing yet but that it speaks the protocol, as a peer that only pings does. It
// is trusted with little memory.
func (s *Session) Stranger() bool { return s.phase != phaseActive || s.isPingServer() }

// Changes is what an application can set of a connection. nil: unchanged.
type Changes struct {
	State    *uint32 // from StateActive, without StateClosed; once the connection is active
	Mode     *uint32
	Conntype *string // known to Config.Lookup; once the connection is active. No new handshake follows
}

// Set makes all the changes, or none. They hold from the very next packet on. Errors: *packet.InvalidError, ErrNotActive,
// ErrClosed.
func (s *Session) Set(c Changes) error {
	if c.State != nil && (*c.State == StateClosed || *c.State < StateActive) {
		return &packet.InvalidError{Field: "state", Problem: "must be 64 or more, and not 128: close the connection instead"}
	}
	if s.Closing() {
		return ErrClosed
	}
	if c.State != nil || c.Conntype != nil {
		if err := s.usable(); err != nil {
			return err
		}
	}
	if c.Conntype != nil {
		handshake, known := s.cfg.Lookup(*c.Conntype)
		switch {
		case !known:
			return &packet.InvalidError{Field: "conntype", Problem: fmt.Sprintf("%q is neither built in nor declared in conntypes", *c.Conntype)}
		case *c.Conntype == ConntypePing || s.view.Conntype == ConntypePing:
			return &packet.InvalidError{Field: "conntype", Problem: "cannot become ping, nor change from it: pings are connections of their own"}
		}
		s.view.Conntype, s.handshake = *c.Conntype, handshake
	}
	if c.State != nil {
		s.view.State = *c.State
	}
	if c.Mode != nil {
		s.view.Mode = *c.Mode
	}
	return nil
}

// usable returns why application packets cannot go out, or nil.
func (s *Session) usable() error {
	switch {
	case s.phase == phaseActive:
		return nil
	case s.Closing():
		return ErrClosed
	default:
		return ErrNotActive
	}
}

// activate makes the connection active.
func (s *Session) activate() {
	s.phase, s.view.State = phaseActive, StateActive
}

// report adds an event of this connection, if its type is recorded.
func (s *Session) report(ev event.Event, out *Output) {
	if s.cfg.Records[ev.Type] {
		ev.Conn = s.id
		out.Events = append(out.Events, ev)
	}
}

// typ picks the event type of our side.
func (s *Session) typ(server, client event.Type) event.Type {
	if s.cfg.Side == packet.ServerSide {
		return server
	}
	return client
}
