package packet_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

func TestTableAdd(t *testing.T) {
	for _, tc := range []struct {
		name  string
		types []packet.Type
		ids   []uint32
	}{
		{"in order", types("a", "b", "c"), []uint32{64, 65, 66}},
		// Defect 30: the reference's counter ran into the forced id and replaced that packet.
		{"forced id in the way", []packet.Type{{Name: "f", ID: 65}, {Name: "a"}, {Name: "b"}}, []uint32{65, 64, 66}},
		{"forced ids in a row", []packet.Type{{Name: "f", ID: 64}, {Name: "g", ID: 65}, {Name: "a"}}, []uint32{64, 65, 66}},
		{"gap", []packet.Type{{Name: "f", ID: 70}, {Name: "a"}, {Name: "g", ID: 65}, {Name: "b"}}, []uint32{70, 64, 65, 66}},
		{"greatest id", []packet.Type{{Name: "f", ID: 0xffffffff}, {Name: "a"}}, []uint32{0xffffffff, 64}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			once, added, err := packet.NewTable().Add(tc.types...)
			require.NoError(t, err)
			require.Equal(t, tc.ids, idsOf(added))
			requireConsistent(t, once)

			oneByOne := packet.NewTable()
			for i, typ := range tc.types {
				var added []packet.Type
				oneByOne, added, err = oneByOne.Add(typ)
				require.NoError(t, err)
				require.Equal(t, tc.ids[i], added[0].ID)
			}
			require.Equal(t, once.InOrder(), oneByOne.InOrder())
			require.Equal(t, once.Entries(), oneByOne.Entries())
		})
	}
}

func TestTableAddRefuses(t *testing.T) {
	mode := uint32(1)
	for _, tc := range []struct {
		name    string
		typ     packet.Type
		message string
	}{
		{"name taken", packet.Type{Name: "a"}, `packet already registered: "a" has the id 64`},
		{"name taken, other id", packet.Type{Name: "a", ID: 99}, `packet already registered: "a" has the id 64`},
		{"id taken", packet.Type{Name: "x", ID: 64}, `packet already registered: id 64 belongs to "a"`},
		{"empty name", packet.Type{}, "packets[1].name is empty"},
		{"long name", packet.Type{Name: strings.Repeat("x", 513)}, "packets[1].name has 513 bytes"},
		{"bad name", packet.Type{Name: "\xff"}, "packets[1].name is not UTF-8"},
		{"reserved name", packet.Type{Name: "peng3dnet:x"}, `packets[1].name "peng3dnet:x" is reserved`},
		{"reserved id", packet.Type{Name: "x", ID: 63}, "packets[1].id 63 is reserved"},
		{"rule without a side", packet.Type{Name: "x", Rule: &packet.Rule{Side: 3}}, "packets[1].rule.side 3"},
		{"rule with a level", packet.Type{Name: "x", Rule: &packet.Rule{MinTLS: 5}}, "packets[1].rule.min_tls_level 5"},
		{"rule with an action", packet.Type{Name: "x", Rule: &packet.Rule{Action: 2}}, "packets[1].rule.action 2"},
		{"rule with a conntype", packet.Type{Name: "x", Rule: &packet.Rule{Conntype: "\xff"}}, "packets[1].rule.conntype"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before, _, err := packet.NewTable().Add(packet.Type{Name: "a", Rule: &packet.Rule{Mode: &mode}})
			require.NoError(t, err)
			nt, added, err := before.Add(packet.Type{Name: "new"}, tc.typ)
			require.ErrorContains(t, err, tc.message)
			require.Nil(t, nt)
			require.Nil(t, added)
			if strings.HasPrefix(tc.message, "packet already") {
				require.ErrorIs(t, err, packet.ErrExists)
			} else {
				var invalid *packet.InvalidError
				require.ErrorAs(t, err, &invalid)
			}
			// Defect 30: a registration that failed left half an entry behind and used up an id.
			require.Equal(t, 1, before.Len())
			nt, added, err = before.Add(packet.Type{Name: "b"})
			require.NoError(t, err)
			require.Equal(t, []uint32{65}, idsOf(added))
			requireConsistent(t, nt)
		})
	}
}

func TestTableAddKeepsItsOwn(t *testing.T) {
	mode := uint32(3)
	given := []packet.Type{{Name: "a", Rule: &packet.Rule{Mode: &mode}}}
	table, _, err := packet.NewTable().Add(given...)
	require.NoError(t, err)
	given[0].Name, *given[0].Rule.Mode, given[0].Rule.State = "z", 4, 5
	typ, ok := table.ByName("a")
	require.True(t, ok)
	require.Equal(t, uint32(3), *typ.Rule.Mode)
	require.Zero(t, typ.Rule.State)
}

func TestTableIsImmutable(t *testing.T) {
	one, _, err := packet.NewTable().Add(types("a")...)
	require.NoError(t, err)
	left, _, err := one.Add(types("left")...)
	require.NoError(t, err)
	right, _, err := one.Add(types("right")...)
	require.NoError(t, err)
	_, _, err = one.AddInternal().Synced([]event.Registered{{Name: "a", ID: 99}})
	require.NoError(t, err)
	require.Equal(t, []event.Registered{{Name: "a", ID: 64}}, one.Entries())
	require.Equal(t, []event.Registered{{Name: "a", ID: 64}, {Name: "left", ID: 65}}, left.Entries())
	require.Equal(t, []event.Registered{{Name: "a", ID: 64}, {Name: "right", ID: 65}}, right.Entries())
}

func TestTableInternal(t *testing.T) {
	table, _, err := packet.NewTable().Add(packet.Type{Name: "b", ID: 70}, packet.Type{Name: "a"})
	require.NoError(t, err)
	table = table.AddInternal()
	require.Equal(t, []event.Registered{
		{Name: "b", ID: 70}, {Name: "a", ID: 64},
		{Name: "peng3dnet:internal.hello", ID: 1}, {Name: "peng3dnet:internal.settype", ID: 2},
		{Name: "peng3dnet:internal.handshake", ID: 3}, {Name: "peng3dnet:internal.handshake.accept", ID: 4},
		{Name: "peng3dnet:internal.closeconn", ID: 16},
	}, table.InOrder())
	requireConsistent(t, table)
	table, added, err := table.Add(types("late")...)
	require.NoError(t, err)
	require.Equal(t, []uint32{65}, idsOf(added))
	require.Equal(t, "late", table.InOrder()[7].Name)
}

func TestTableLookup(t *testing.T) {
	rule := packet.DefaultRule()
	table, added, err := packet.NewTable().Add(packet.Type{Name: "a", Rule: rule})
	require.NoError(t, err)
	for _, tc := range []struct {
		ref   packet.Ref
		known bool
		text  string
	}{
		{packet.Name("a"), true, `packet "a"`},
		{packet.ID(64), true, "packet 64"},
		{packet.Name("b"), false, `packet "b"`},
		{packet.ID(65), false, "packet 65"},
		{packet.Ref{}, false, "packet 0"},
		{packet.Name(""), false, "packet 0"},
	} {
		typ, ok := table.Lookup(tc.ref)
		require.Equal(t, tc.known, ok, tc.text)
		require.Equal(t, tc.text, tc.ref.String())
		if ok {
			require.Equal(t, added[0], typ)
			require.Equal(t, rule, typ.Rule)
		}
	}
	id, byID := packet.ID(7).ID()
	require.True(t, byID)
	require.Equal(t, uint32(7), id)
	_, byID = packet.Name("a").ID()
	require.False(t, byID)
}

func BenchmarkTableByID(b *testing.B) {
	for _, n := range []int{5, 500} {
		b.Run(fmt.Sprintf("%d packets", n), func(b *testing.B) {
			var all []packet.Type
			for i := range n {
				all = append(all, packet.Type{Name: fmt.Sprintf("game:packet.%d", i)})
			}
			table, _, err := packet.NewTable().Add(all...)
			require.NoError(b, err)
			id := packet.FirstFreeID + uint32(n)/2
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := table.ByID(id); !ok {
					b.Fatal("no such packet")
				}
			}
		})
	}
}

// types returns packet types without ids.
func types(names ...string) []packet.Type {
	out := make([]packet.Type, len(names))
	for i, name := range names {
		out[i].Name = name
	}
	return out
}

// idsOf returns the ids of types.
func idsOf(types []packet.Type) []uint32 {
	ids := make([]uint32, len(types))
	for i, typ := range types {
		ids[i] = typ.ID
	}
	return ids
}

// requireConsistent looks up each packet of a table both ways.
func requireConsistent(t *testing.T, table *packet.Table) {
	t.Helper()
	require.Len(t, table.InOrder(), table.Len())
	require.ElementsMatch(t, table.InOrder(), table.Entries())
	require.True(t, slices.IsSortedFunc(table.Entries(), func(a, b event.Registered) int { return cmp.Compare(a.ID, b.ID) }))
	seen := map[uint32]bool{}
	for _, r := range table.Entries() {
		require.False(t, seen[r.ID], "id %d comes twice", r.ID)
		seen[r.ID] = true
		require.NotZero(t, r.ID)
		byID, ok := table.ByID(r.ID)
		require.True(t, ok)
		byName, ok := table.ByName(r.Name)
		require.True(t, ok)
		require.Equal(t, byID, byName)
		require.Equal(t, r, event.Registered{Name: byID.Name, ID: byID.ID})
	}
}
