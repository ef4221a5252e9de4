package session

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// CompatibleRelease is the peng3dnet release whose protocol this package speaks. It is the version that hello and
// handshake packets announce unless the application says otherwise; peers show it, but compare only the protocol version.
const CompatibleRelease = "0.2.0"

// Handshake is how connections of a type become active.
type Handshake uint8

const (
	HandshakeClassic Handshake = iota // packets 3 and 4: the registry, and its acceptance
	HandshakeNone                     // none: active as soon as the type is announced
)

// The connection types that every endpoint knows, and what stands for the type until it is announced.
const (
	ConntypeClassic = "classic"
	ConntypePing    = "ping"
	ConntypeNotSet  = "_notset"
)

// Conntype declares a connection type.
type Conntype struct {
	Name      string
	Handshake Handshake
}

// PingAnswer says how a server answers connections of type "ping".
type PingAnswer struct {
	// Application leaves packets 64 and 65 to the application, as ordinary packets.
	Application bool
	// Data is what the session itself answers with: a MessagePack map, or nil for an empty one.
	Data []byte
}

// MissingPackets says what a client does when its packet names are not the server's.
type MissingPackets uint8

const (
	MissingClose  MissingPackets = iota // close with "packetregmismatch"
	MissingIgnore                       // use the packets that both know
)

// Limits are the sizes a session enforces, in bytes of body, as received and after inflating.
type Limits struct {
	Packet    int // once the connection is active
	Handshake int // before that
	Registry  int // for the handshake packet a client waits for
}

// Config is what all connections of an endpoint share. Its plain fields are fixed before the first session is made;
// Registry, Conntypes and Compression may change at any time.
type Config struct {
	Side    packet.Side // which side we are
	Version string
	Limits  Limits
	// Records says which event types are reported.
	Records [event.Types]bool
	// Ping makes a server know the connection type "ping". nil: it is refused.
	Ping *PingAnswer

	// Conntype is what a client announces; Lookup must know it.
	Conntype string
	// Missing says what a client does about names that only one side has.
	Missing MissingPackets
	// KeepIDs makes a client keep its own packet ids, and not even compare them with the server's.
	KeepIDs bool

	Registry    Registry
	Conntypes   Conntypes
	Compression atomic.Pointer[wire.Compression]
}

// Registry holds an endpoint's packet table, which every change replaces by a new one. Its methods may be called concurrently.
type Registry struct {
	mu    sync.Mutex // one change at a time
	table atomic.Pointer[packet.Table]
}

// Table returns the table of this moment; it never changes.
func (r *Registry) Table() *packet.Table {
	if t := r.table.Load(); t != nil {
		return t
	}
	return packet.NewTable()
}

// Change replaces the table by what f makes of it, or returns f's error.
func (r *Registry) Change(f func(*packet.Table) (*packet.Table, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := f(r.Table())
	if err != nil {
		return err
	}
	r.table.Store(t)
	return nil
}

// Conntypes holds the connection types that an endpoint knows besides the built-in ones. Its methods may be called
// concurrently.
type Conntypes struct {
	mu    sync.Mutex // one change at a time
	types atomic.Pointer[map[string]Handshake]
}

// Add declares more connection types: all of them, or none. Errors: *packet.InvalidError, *ConntypeExistsError.
func (c *Conntypes) Add(types ...Conntype) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[string]Handshake)
	if old := c.types.Load(); old != nil {
		maps.Copy(next, *old)
	}
	for i, t := range types {
		if err := packet.CheckName(fmt.Sprintf("conntypes[%d].name", i), t.Name); err != nil {
			return err
		}
		_, known := next[t.Name]
		if known || t.Name == ConntypeClassic || t.Name == ConntypePing || t.Name == ConntypeNotSet {
			return &ConntypeExistsError{Name: t.Name}
		}
		next[t.Name] = t.Handshake
	}
	c.types.Store(&next)
	return nil
}

// declared returns the handshake of a declared connection type.
func (c *Conntypes) declared(name string) (Handshake, bool) {
	types := c.types.Load()
	if types == nil {
		return 0, false
	}
	handshake, ok := (*types)[name]
	return handshake, ok
}

// Lookup returns the handshake of a connection type that the endpoint knows, on the side it is configured for.
func (c *Config) Lookup(name string) (Handshake, bool) {
	switch {
	case name == ConntypeClassic:
		return HandshakeClassic, true
	case name == ConntypePing && (c.Side == packet.ClientSide || c.Ping != nil):
		return HandshakeNone, true
	default:
		return c.Conntypes.declared(name)
	}
}
