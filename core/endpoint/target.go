package endpoint

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pengbridge/pengbridge/core/packet"
)

// Target says which connections a broadcast goes to. The zero value means all active ones.
type Target struct {
	Conns   []uint64 // these; those that have closed meanwhile are skipped
	Group   string   // or those in this group
	Exclude []uint64 // but not these
}

// targets returns the connections that t names, and the ids for which there is no connection any more.
func (e *Endpoint) targets(t Target) (targets []*conn, absent []uint64, err error) {
	if t.Group != "" && len(t.Conns) > 0 {
		return nil, nil, &packet.InvalidError{Field: "group", Problem: "cannot be combined with connection_ids"}
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	switch {
	case len(t.Conns) > 0:
		targets, absent = e.named(ascending(t.Conns), ascending(t.Exclude))
		return targets, absent, nil
	case t.Group != "":
		return without(inOrder(e.groups[t.Group]), ascending(t.Exclude)), nil, nil
	default:
		return without(e.inOrder(), ascending(t.Exclude)), nil, nil
	}
}

// ascending returns the ids in order, each once. Applications mostly name them in order, which makes this cheap.
func ascending(ids []uint64) []uint64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// named returns the connections with the given ids, without those in except, and the ids that no connection has. Both lists
// ascend. e.mu is held, for reading at least.
func (e *Endpoint) named(ids, except []uint64) (found []*conn, absent []uint64) {
	found = make([]*conn, 0, len(ids))
	find := e.finder(len(ids))
	for _, id := range ids {
		if among(&except, id) {
			continue
		}
		if c := find(id); c != nil {
			found = append(found, c)
		} else {
			absent = append(absent, id)
		}
	}
	return found, absent
}

// finder returns a function that finds count connections by ascending ids. If that is at least half of all connections, it
// goes through all of them in parallel with the ids: with a look-up for each, a broadcast to 1,000 takes a twentieth longer.
func (e *Endpoint) finder(count int) func(id uint64) *conn {
	if count < len(e.conns)/2 {
		return func(id uint64) *conn { return e.conns[id] }
	}
	left := e.inOrder()
	return func(id uint64) *conn {
		for len(left) > 0 && left[0].id < id {
			left = left[1:]
		}
		if len(left) > 0 && left[0].id == id {
			return left[0]
		}
		return nil
	}
}

// without returns the connections, in their order, whose ids are not among ids. Both ascend.
func without(conns []*conn, ids []uint64) []*conn {
	left := make([]*conn, 0, len(conns))
	for _, c := range conns {
		if !among(&ids, c.id) {
			left = append(left, c)
		}
	}
	return left
}

// among reports whether an id is in a list, from which it drops the lower ids. The list ascends, and so do the ids asked for.
func among(ascending *[]uint64, id uint64) bool {
	left := *ascending
	for len(left) > 0 && left[0] < id {
		left = left[1:]
	}
	*ascending = left
	return len(left) > 0 && left[0] == id
}

// inOrder returns all connections in the order in which they came, which is roughly the order of their memory and of the
// kernel's sockets: with 10,000 connections that saves a quarter of a broadcast's processor time. Sorting them for each
// broadcast would take a twentieth. e.mu is held, for reading at least.
func (e *Endpoint) inOrder() []*conn {
	if known := e.ordered.Load(); known != nil {
		return *known
	}
	ordered := inOrder(e.conns)
	e.ordered.Store(&ordered)
	return ordered
}

func inOrder(conns map[uint64]*conn) []*conn {
	ordered := slices.AppendSeq(make([]*conn, 0, len(conns)), maps.Values(conns))
	slices.SortFunc(ordered, func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
	return ordered
}
