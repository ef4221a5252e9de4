package packet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// TestSyncedPermutations syncs every order of 2, 3 and 4 packets with every other. Defect 25: the reference lost one packet
// for each cycle of the permutation, without a word.
func TestSyncedPermutations(t *testing.T) {
	for n := 2; n <= 4; n++ {
		orders := permutations([]string{"a", "b", "c", "d"}[:n])
		for _, ours := range orders {
			for _, theirs := range orders {
				t.Run(fmt.Sprint(ours, theirs), func(t *testing.T) {
					client, server := tableOf(t, ours...), tableOf(t, theirs...)
					nt, same, err := client.Synced(server.InOrder())
					require.NoError(t, err)
					require.True(t, same)
					requireConsistent(t, nt)
					require.Equal(t, server.Entries(), nt.Entries())
					require.Equal(t, names(client.InOrder()), names(nt.InOrder()))
					for _, name := range ours {
						require.False(t, nt.Local(name))
					}
				})
			}
		}
	}
}

func TestSyncedDifferentNames(t *testing.T) {
	for _, tc := range []struct {
		name   string
		client []packet.Type
		server []packet.Type
		want   map[string]uint32
		local  []string
	}{
		{"same", types("a"), types("a"), map[string]uint32{"a": 64}, nil},
		{"nothing but internals", nil, nil, map[string]uint32{}, nil},
		{"client lacks one", types("a"), types("a", "b"), map[string]uint32{"a": 64}, nil},
		{"client lacks the first", types("b"), types("a", "b"), map[string]uint32{"b": 65}, nil},
		{"server lacks one", types("a", "b"), types("a"), map[string]uint32{"a": 64, "b": 65}, []string{"b"}},
		{"server lacks the first", types("a", "b"), types("b"), map[string]uint32{"a": 65, "b": 64}, []string{"a"}},
		{"server lacks all", types("a", "b"), nil, map[string]uint32{"a": 64, "b": 65}, []string{"a", "b"}},
		{
			"local one sits on an id that only the server uses",
			types("a", "x"), types("a", "echo"),
			map[string]uint32{"a": 64, "x": 66},
			[]string{"x"},
		},
		{
			"those that can stay do",
			types("x", "y", "z", "a"), types("a"),
			map[string]uint32{"a": 64, "x": 67, "y": 65, "z": 66},
			[]string{"x", "y", "z"},
		},
		{
			"high ids",
			[]packet.Type{{Name: "a", ID: 1000}, {Name: "x", ID: 2000}},
			[]packet.Type{{Name: "a", ID: 2000}, {Name: "b", ID: 64}},
			map[string]uint32{"a": 2000, "x": 65},
			[]string{"x"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, _, err := packet.NewTable().Add(tc.client...)
			require.NoError(t, err)
			server, _, err := packet.NewTable().Add(tc.server...)
			require.NoError(t, err)
			nt, same, err := client.AddInternal().Synced(server.AddInternal().InOrder())
			require.NoError(t, err)
			require.Equal(t, tc.name == "same" || tc.name == "nothing but internals", same)
			requireConsistent(t, nt)
			require.Equal(t, len(tc.want)+5, nt.Len())
			for name, id := range tc.want {
				typ, ok := nt.ByName(name)
				require.True(t, ok)
				require.Equal(t, id, typ.ID, name)
				require.Equal(t, slices.Contains(tc.local, name), nt.Local(name), name)
			}
		})
	}
}

// TestSyncedThenAdd registers packets on a client that knows its server's registry.
func TestSyncedThenAdd(t *testing.T) {
	server := tableOf(t, "a", "theirs", "forced")
	nt, same, err := tableOf(t, "a").Synced(server.InOrder())
	require.NoError(t, err)
	require.False(t, same)
	_, known := nt.ByID(65)
	require.False(t, known, "what only the server knows is unknown here")

	more, added, err := nt.Add(packet.Type{Name: "ours"}, packet.Type{Name: "theirs"}, packet.Type{Name: "forced", ID: 66})
	require.NoError(t, err)
	require.Equal(t, []uint32{67, 65, 66}, idsOf(added))
	requireConsistent(t, more)

	_, _, err = nt.Add(packet.Type{Name: "theirs", ID: 99})
	require.ErrorIs(t, err, packet.ErrExists)
	require.ErrorContains(t, err, `"theirs" has the id 65 at the server`)
	_, _, err = nt.Add(packet.Type{Name: "ours", ID: 65})
	require.ErrorIs(t, err, packet.ErrExists)
	require.ErrorContains(t, err, `id 65 belongs to "theirs" at the server`)
}

func TestSyncedKeepsRules(t *testing.T) {
	rule := packet.DefaultRule()
	client, _, err := packet.NewTable().Add(packet.Type{Name: "a", Rule: rule})
	require.NoError(t, err)
	nt, _, err := client.AddInternal().Synced([]event.Registered{{Name: "a", ID: 99}})
	require.NoError(t, err)
	typ, ok := nt.ByID(99)
	require.True(t, ok)
	require.Equal(t, rule, typ.Rule)
}

func TestSyncedMalformed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		server  []event.Registered
		message string
	}{
		{"name twice", []event.Registered{{Name: "a", ID: 64}, {Name: "a", ID: 65}}, `"a" has the ids 64 and 65`},
		{"id twice", []event.Registered{{Name: "a", ID: 64}, {Name: "b", ID: 64}}, `id 64 belongs to "a" and "b"`},
		{"id 0", []event.Registered{{Name: "a", ID: 0}}, `"a" has the id 0`},
		{"internal id", []event.Registered{{Name: "a", ID: 16}}, `id 16 is that of "peng3dnet:internal.closeconn" alone`},
		{"internal name", []event.Registered{{Name: packet.NameClose, ID: 64}}, `id 16 is that of "peng3dnet:internal.closeconn" alone`},
		{"internals exchanged", []event.Registered{{Name: packet.NameHello, ID: 2}, {Name: packet.NameSettype, ID: 1}}, "alone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			nt, _, err := tableOf(t, "a", "b").Synced(tc.server)
			require.ErrorIs(t, err, packet.ErrMalformedBody)
			require.ErrorContains(t, err, tc.message)
			require.Nil(t, nt)
		})
	}
}

// permutations returns every order of the names.
func permutations(names []string) (orders [][]string) {
	if len(names) == 0 {
		return [][]string{nil}
	}
	for i, first := range names {
		rest := slices.Delete(slices.Clone(names), i, i+1)
		for _, order := range permutations(rest) {
			orders = append(orders, append([]string{first}, order...))
		}
	}
	return orders
}

// tableOf returns a table with packets of these names, and the internal ones.
func tableOf(t *testing.T, names ...string) *packet.Table {
	t.Helper()
	table, _, err := packet.NewTable().Add(types(names...)...)
	require.NoError(t, err)
	return table.AddInternal()
}

// names returns the names of a registry, in its order.
func names(registry []event.Registered) string {
	var b strings.Builder
	for _, r := range registry {
		b.WriteString(r.Name + " ")
	}
	return b.String()
}
