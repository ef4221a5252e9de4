package packet

import "fmt"

// StateActive is the state of a connection whose handshake is complete.
const StateActive uint32 = 64

// Side is an end of a connection.
type Side uint8

// The sides. Only rules have [AnySide]; every connection has a client side and a server side.
const (
	AnySide    Side = iota
	ClientSide      // the end that connected
	ServerSide      // the end that accepted
)

// TLSLevel orders how well a connection is protected.
type TLSLevel uint8

// The levels, each one including those before it.
const (
	TLSNone       TLSLevel = iota
	TLSWrapped             // TLS, with nothing known about the cipher or the peer
	TLSEncrypted           // nobody's identity was checked
	TLSServerAuth          // the client checked the server's certificate
	TLSBothAuth            // each side checked the other's certificate
)

// Action is what happens when a rule refuses a packet.
type Action uint8

// The actions.
const (
	Ignore Action = iota // the packet is dropped
	Close                // the connection is closed with the reason "smartpacketinvalid"
)

// Rule says when a packet may pass: peng3dnet's SmartPacket as data. Begin with [DefaultRule].
type Rule struct {
	State    uint32   // the exact state the connection must have
	Side     Side     // the side that may receive the packet
	Mode     *uint32  // the exact mode the connection must have; nil: any
	Conntype string   // the type the connection must have; "": any
	MinTLS   TLSLevel // the least protection the connection must have
	Action   Action   // what happens otherwise
}

// DefaultRule returns the rule of a SmartPacket that overrides nothing: either side, once the handshake is complete.
func DefaultRule() *Rule {
	return &Rule{State: StateActive}
}

// Conn is what a rule looks at in a connection.
type Conn struct {
	State    uint32
	Mode     uint32
	Conntype string
	TLS      TLSLevel
}

// Receivable reports whether the packet may be received at a side. A nil rule allows everything.
func (r *Rule) Receivable(c Conn, at Side) bool {
	return r == nil || (r.Side == AnySide || r.Side == at) && r.admits(c)
}

// Sendable reports whether the packet may be sent from a side. A nil rule allows everything.
func (r *Rule) Sendable(c Conn, from Side) bool {
	return r == nil || (r.Side == AnySide || r.Side != from) && r.admits(c)
}

// admits reports whether the connection is as the rule wants it, whatever the direction.
func (r *Rule) admits(c Conn) bool {
	return r.State == c.State &&
		(r.Mode == nil || *r.Mode == c.Mode) &&
		(r.Conntype == "" || r.Conntype == c.Conntype) &&
		r.MinTLS <= c.TLS
}

// check says what is wrong with a rule.
func (r *Rule) check(field string) error {
	switch {
	case r.Side > ServerSide:
		return &InvalidError{field + ".side", fmt.Sprintf("%d is no side: give client, server, or nothing for both", r.Side)}
	case r.MinTLS > TLSBothAuth:
		problem := fmt.Sprintf("%d is no level: give %d to %d", r.MinTLS, TLSNone, TLSBothAuth)
		return &InvalidError{field + ".min_tls_level", problem}
	case r.Action > Close:
		return &InvalidError{field + ".action", fmt.Sprintf("%d is no action: give ignore or close", r.Action)}
	case r.Conntype != "":
		return CheckName(field+".conntype", r.Conntype)
	}
	return nil
}

// clone returns a copy that shares nothing with r. It may be called on nil.
func (r *Rule) clone() *Rule {
	if r == nil {
		return nil
	}
	c := *r
	if r.Mode != nil {
		mode := *r.Mode
		c.Mode = &mode
	}
	return &c
}
