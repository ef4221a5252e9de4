package packet

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pengbridge/pengbridge/core/event"
)

// Table is a packet registry: which name has which id. It never changes, so any number of goroutines may use it. Methods that
// add to it return a new one, at a cost in proportion to its length.
type Table struct {
	types  []Type // in the order of registration
	byName map[string]int
	byID   map[uint32]int // into types
	local  map[string]struct{}
	// remote holds the ids that a client's server uses for names the client has not registered. No other name gets them.
	remote map[string]uint32
	taken  map[uint32]string // remote by id
	next   uint32            // no id from FirstFreeID up to here is free

	inOrder []event.Registered
	sorted  []event.Registered
	low     []int32 // by id, for ids below lowIDs: the index into types, counted from 1; 0: there is none
}

// lowIDs bounds the ids that are looked up in a slice: the map byID takes three times as long. Most programs have no others,
// since free ids are given from [FirstFreeID] up.
const lowIDs = 1024

// NewTable returns a table without packets.
func NewTable() *Table {
	return (&Table{next: FirstFreeID}).copy()
}

// Add registers packet types, all or none, and returns the new table and the types with their ids. Those without an id get
// the next free one from [FirstFreeID] up, in order. On a client that knows its server's registry, a name that the server
// knows gets the server's id.
//
// Errors: an [*InvalidError] that names the field as "packets[i]..."; [ErrExists] for a name or an id that is taken.
func (t *Table) Add(types ...Type) (*Table, []Type, error) {
	added := slices.Clone(types)
	nt := t.copy()
	for i, typ := range added {
		if err := typ.check(fmt.Sprintf("packets[%d]", i)); err != nil {
			return nil, nil, err
		}
		if typ.ID == 0 {
			typ.ID = nt.idFor(typ.Name)
		}
		if err := nt.vacant(typ); err != nil {
			return nil, nil, err
		}
		typ.Rule = typ.Rule.clone()
		nt.put(typ)
		added[i] = typ
	}
	return nt.seal(), added, nil
}

// internal lists the packets that every registry has, in the order in which they are registered.
var internal = [...]Type{
	{Name: NameHello, ID: IDHello},
	{Name: NameSettype, ID: IDSettype},
	{Name: NameHandshake, ID: IDHandshake},
	{Name: NameAccept, ID: IDAccept},
	{Name: NameClose, ID: IDClose},
}

// AddInternal registers peng3dnet's own packets after those that are there. It must be called only once.
func (t *Table) AddInternal() *Table {
	nt := t.copy()
	for _, typ := range internal {
		nt.put(typ)
	}
	return nt.seal()
}

// Lookup returns the type that r refers to.
func (t *Table) Lookup(r Ref) (Type, bool) {
	if id, ok := r.ID(); ok {
		return t.ByID(id)
	}
	return t.ByName(r.name)
}

// ByID returns the type with an id.
func (t *Table) ByID(id uint32) (Type, bool) {
	if id < uint32(len(t.low)) {
		if i := t.low[id]; i > 0 {
			return t.types[i-1], true
		}
		return Type{}, false
	}
	i, ok := t.byID[id]
	if !ok {
		return Type{}, false
	}
	return t.types[i], true
}

// ByName returns the type with a name.
func (t *Table) ByName(name string) (Type, bool) {
	i, ok := t.byName[name]
	if !ok {
		return Type{}, false
	}
	return t.types[i], true
}

// Len returns the number of types.
func (t *Table) Len() int { return len(t.types) }

// Entries returns the registry ordered by id. The slice is the table's: it must not be changed.
func (t *Table) Entries() []event.Registered { return t.sorted }

// InOrder returns the registry in the order of registration, which is its order on the wire. The slice is the table's: it
// must not be changed.
func (t *Table) InOrder() []event.Registered { return t.inOrder }

// Local reports whether the name is registered here, but was not in the server's registry when the table was synced: the
// other end has no such packet.
func (t *Table) Local(name string) bool {
	_, ok := t.local[name]
	return ok
}

// idFor returns the id for a name that comes without one.
func (t *Table) idFor(name string) uint32 {
	if id, ok := t.remote[name]; ok {
		return id
	}
	for t.used(t.next) {
		t.next++
	}
	return t.next
}

// used reports whether an id belongs to a packet, here or at the server.
func (t *Table) used(id uint32) bool {
	_, ours := t.byID[id]
	_, theirs := t.taken[id]
	return ours || theirs
}

// vacant returns an error if the type's name or id is taken, which says by what.
func (t *Table) vacant(typ Type) error {
	if i, ok := t.byName[typ.Name]; ok {
		return fmt.Errorf("%w: %q has the id %d: choose another name", ErrExists, typ.Name, t.types[i].ID)
	}
	if i, ok := t.byID[typ.ID]; ok {
		return fmt.Errorf("%w: id %d belongs to %q: choose another id, or none", ErrExists, typ.ID, t.types[i].Name)
	}
	if id, ok := t.remote[typ.Name]; ok && id != typ.ID {
		return fmt.Errorf("%w: %q has the id %d at the server: give that, or none", ErrExists, typ.Name, id)
	}
	if name, ok := t.taken[typ.ID]; ok && name != typ.Name {
		return fmt.Errorf("%w: id %d belongs to %q at the server: choose another id, or none", ErrExists, typ.ID, name)
	}
	return nil
}

// copy returns a table that put may add to, until seal.
func (t *Table) copy() *Table {
	return &Table{
		types:  slices.Clone(t.types),
		byName: cloned(t.byName),
		byID:   cloned(t.byID),
		local:  t.local, // changed by Synced alone, which makes its own
		remote: cloned(t.remote),
		taken:  cloned(t.taken),
		next:   t.next,
	}
}

// cloned returns a copy of m that can be written to even if m is nil.
func cloned[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m)+1)
	maps.Copy(c, m)
	return c
}

// put adds a type while the table is being built.
func (t *Table) put(typ Type) {
	delete(t.remote, typ.Name)
	delete(t.taken, typ.ID)
	t.byName[typ.Name] = len(t.types)
	t.byID[typ.ID] = len(t.types)
	t.types = append(t.types, typ)
}

// seal ends the building of a table.
func (t *Table) seal() *Table {
	t.inOrder = make([]event.Registered, len(t.types))
	for i, typ := range t.types {
		t.inOrder[i] = event.Registered{Name: typ.Name, ID: typ.ID}
	}
	t.sorted = slices.Clone(t.inOrder)
	slices.SortFunc(t.sorted, func(a, b event.Registered) int { return cmp.Compare(a.ID, b.ID) })
	n, _ := slices.BinarySearchFunc(t.sorted, lowIDs, func(r event.Registered, id uint32) int { return cmp.Compare(r.ID, id) })
	if n > 0 {
		t.low = make([]int32, t.sorted[n-1].ID+1)
	}
	for _, r := range t.sorted[:n] {
		t.low[r.ID] = int32(t.byID[r.ID]) + 1
	}
	return t
}
