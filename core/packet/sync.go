package packet

import (
	"fmt"

	"github.com/pengbridge/pengbridge/core/event"
)

// Synced returns the table of a client that has learned its server's registry, which is given in the order of the wire, and
// whether both sides know the same names.
//
// Names that both know get the server's id. Names that only the client knows keep theirs if the server does not use it,
// else they get the next free one; [Table.Local] tells which they are. Ids of names that only the server knows stay unused until
// [Table.Add] brings the name. The order of registration stays.
//
// An error, which wraps [ErrMalformedBody], means that the server's registry contradicts itself or the protocol: a name or
// an id comes twice, an id is 0, or an internal packet is not where it belongs.
func (t *Table) Synced(server []event.Registered) (*Table, bool, error) {
	remote, taken, err := index(server)
	if err != nil {
		return nil, false, err
	}
	nt := &Table{
		types:  make([]Type, len(t.types)),
		byName: t.byName, // names and their order stay
		byID:   make(map[uint32]int, len(t.types)),
		local:  make(map[string]struct{}),
		remote: remote,
		taken:  taken,
		next:   FirstFreeID,
	}
	copy(nt.types, t.types)
	for i := range nt.types {
		if id, ok := remote[nt.types[i].Name]; ok {
			nt.types[i].ID = id
			nt.byID[id] = i
		}
	}
	nt.placeLocal()
	same := len(nt.local) == 0 && len(server) == len(nt.types)
	for _, typ := range nt.types {
		delete(remote, typ.Name)
		delete(taken, typ.ID)
	}
	return nt.seal(), same, nil
}

// placeLocal gives an id to each type whose name the server does not know. Those that can keep theirs come first, so that none
// loses its id to one that moves.
func (t *Table) placeLocal() {
	var moving []int
	for i, typ := range t.types {
		if _, known := t.remote[typ.Name]; known {
			continue
		}
		t.local[typ.Name] = struct{}{}
		if t.used(typ.ID) {
			moving = append(moving, i)
		} else {
			t.byID[typ.ID] = i
		}
	}
	for _, i := range moving {
		id := t.idFor(t.types[i].Name)
		t.types[i].ID = id
		t.byID[id] = i
	}
}

// index returns a server's registry by name and by id, or what is wrong with it.
func index(server []event.Registered) (map[string]uint32, map[uint32]string, error) {
	byName := make(map[string]uint32, len(server))
	byID := make(map[uint32]string, len(server))
	for _, r := range server {
		if id, ok := byName[r.Name]; ok {
			return nil, nil, fmt.Errorf("%w: registry: %.100q has the ids %d and %d", ErrMalformedBody, r.Name, id, r.ID)
		}
		if name, ok := byID[r.ID]; ok {
			return nil, nil, fmt.Errorf("%w: registry: id %d belongs to %.100q and %.100q", ErrMalformedBody, r.ID, name, r.Name)
		}
		if r.ID == 0 {
			return nil, nil, fmt.Errorf("%w: registry: %.100q has the id 0", ErrMalformedBody, r.Name)
		}
		byName[r.Name], byID[r.ID] = r.ID, r.Name
	}
	for _, typ := range internal {
		id, known := byName[typ.Name]
		name, used := byID[typ.ID]
		if known && id != typ.ID || used && name != typ.Name {
			return nil, nil, fmt.Errorf("%w: registry: id %d is that of %q alone", ErrMalformedBody, typ.ID, typ.Name)
		}
	}
	return byName, byID, nil
}
