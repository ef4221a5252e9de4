// Package packet knows what travels in frames: packet types and their registry, the rules that guard them, the checking of
// MessagePack bodies, and the packets that peng3dnet itself sends. It decodes nothing that belongs to an application.
package packet

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ProtocolVersion is the version of peng3dnet's protocol. Peers that speak another one are refused.
const ProtocolVersion = 2

// Ids of peng3dnet's own packets. Those below [FirstFreeID] are the same in every registry.
const (
	IDHello     uint32 = 1
	IDSettype   uint32 = 2
	IDHandshake uint32 = 3
	IDAccept    uint32 = 4
	IDClose     uint32 = 16

	// FirstFreeID is the first id that applications can use.
	FirstFreeID uint32 = 64

	// IDPing and IDPong are in no registry: they mean this only on connections of the type "ping".
	IDPing uint32 = 64
	IDPong uint32 = 65
)

// Names of peng3dnet's own packets.
const (
	NameHello     = "peng3dnet:internal.hello"
	NameSettype   = "peng3dnet:internal.settype"
	NameHandshake = "peng3dnet:internal.handshake"
	NameAccept    = "peng3dnet:internal.handshake.accept"
	NameClose     = "peng3dnet:internal.closeconn"

	reservedPrefix = "peng3dnet:"
)

// MaxName is the length of the longest name of a packet or connection type, in bytes.
const MaxName = 512

var (
	// ErrExists says that a packet's name or id is taken.
	ErrExists = errors.New("packet already registered")
	// ErrUnknown says that no packet has the name or id asked for.
	ErrUnknown = errors.New("unknown packet")
)

// InvalidError says what is wrong with an argument, and what to give instead.
type InvalidError struct {
	Field   string // its path, such as "packets[2].name"
	Problem string // a predicate, such as "is empty: give 1 to 512 bytes"
}

// Error returns the field and its problem as a sentence.
func (e *InvalidError) Error() string { return e.Field + " " + e.Problem }

// Type is one packet type: its name, by which both sides know it, and the id that stands for it on the wire.
type Type struct {
	Name string
	ID   uint32 // 0: [Table.Add] gives it one
	Rule *Rule  // nil: none
}

// Ref is how a caller names a packet type: by [Name] or by [ID].
type Ref struct {
	name string
	id   uint32
}

// Name refers to a packet type by its name, which is not empty.
func Name(name string) Ref { return Ref{name: name} }

// ID refers to a packet type by its id.
func ID(id uint32) Ref { return Ref{id: id} }

// ID returns the id that r names, or false if r names a name.
func (r Ref) ID() (uint32, bool) { return r.id, r.name == "" }

// String returns what a person would call the packet.
func (r Ref) String() string {
	if r.name == "" {
		return fmt.Sprintf("packet %d", r.id)
	}
	return fmt.Sprintf("packet %q", r.name)
}

// CheckName says what is wrong with the name of a packet or connection type: it has to be 1 to [MaxName] bytes of UTF-8.
// The error is an [*InvalidError] for the field.
func CheckName(field, name string) error {
	switch {
	case name == "":
		return &InvalidError{field, fmt.Sprintf("is empty: give 1 to %d bytes", MaxName)}
	case len(name) > MaxName:
		return &InvalidError{field, fmt.Sprintf("has %d bytes: give at most %d", len(name), MaxName)}
	case !utf8.ValidString(name):
		return &InvalidError{field, "is not UTF-8"}
	}
	return nil
}

// check says what is wrong with a packet type that an application registers.
func (t Type) check(field string) error {
	if err := CheckName(field+".name", t.Name); err != nil {
		return err
	}
	if strings.HasPrefix(t.Name, reservedPrefix) {
		problem := fmt.Sprintf("%q is reserved: choose a name that does not start with %q", t.Name, reservedPrefix)
		return &InvalidError{field + ".name", problem}
	}
	if t.ID != 0 && t.ID < FirstFreeID {
		problem := fmt.Sprintf("%d is reserved: choose one from %d up, or 0 for the next free one", t.ID, FirstFreeID)
		return &InvalidError{field + ".id", problem}
	}
	if t.Rule != nil {
		return t.Rule.check(field + ".rule")
	}
	return nil
}
