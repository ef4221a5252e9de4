package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// permutations returns every order of names.
func permutations(names []string) (all [][]string) {
	if len(names) <= 1 {
		return [][]string{names}
	}
	for i := range names {
		rest := append(append([]string(nil), names[:i]...), names[i+1:]...)
		for _, p := range permutations(rest) {
			all = append(all, append([]string{names[i]}, p...))
		}
	}
	return all
}

func types(names ...string) (types []packet.Type) {
	for _, name := range names {
		types = append(types, packet.Type{Name: name})
	}
	return types
}

// TestRegistrySync: whatever the order on the two sides, every packet arrives under its name (defect 25).
func TestRegistrySync(t *testing.T) {
	names := []string{"app:a", "app:b", "app:c", "app:d"}
	for _, order := range permutations(names) {
		server := newPeer(t, packet.ServerSide, types(names...))
		client := newPeer(t, packet.ClientSide, types(order...))
		converse(server, client)
		for _, name := range names {
			server.events, client.events = nil, nil
			require.NoError(t, client.send(packet.Name(name), empty))
			require.NoError(t, server.send(packet.Name(name), empty))
			converse(server, client)
			require.Contains(t, server.events, serverRecv+name, "%v", order)
			require.Contains(t, client.events, clientRecv+name, "%v", order)
		}
		require.Equal(t, server.cfg.Registry.Table().Entries(), client.cfg.Registry.Table().Entries())
	}
}

// TestRegistryIsReported: a client's handshakecomplete carries the registry as agreed, ordered by id.
func TestRegistryIsReported(t *testing.T) {
	server := newPeer(t, packet.ServerSide, types("app:a", "app:b"))
	client := newPeer(t, packet.ClientSide, types("app:b", "app:a"))
	client.receive(server.take())
	server.receive(client.take())
	client.inbound.Feed(server.take())
	p, ok, err := client.inbound.Next(client.session.BodyLimit())
	require.NoError(t, err)
	require.True(t, ok)
	client.session.Receive(now, p, &client.out)
	last := client.out.Events[len(client.out.Events)-1]
	require.Equal(t, event.ClientHandshakeComplete, last.Type)
	require.Equal(t, server.cfg.Registry.Table().Entries(), last.Registry)
}

// TestDifferentNames: what a client does about names that only one side has.
func TestDifferentNames(t *testing.T) {
	for _, test := range []struct {
		server, client []string
		missing        session.MissingPackets
		keep           bool
		reason         string // "": the handshake goes on
		detail         string // how the client's ends
	}{
		{[]string{"app:a"}, []string{"app:a"}, session.MissingClose, false, "", ""},
		{[]string{"app:a", "app:b"}, []string{"app:a"}, session.MissingClose, false, "packetregmismatch", `packets; the client lacks "app:b"`},
		{[]string{"app:a"}, []string{"app:a", "app:b"}, session.MissingClose, false, "packetregmismatch", `packets; the server lacks "app:b"`},
		{
			[]string{"app:a", "app:b"}, []string{"app:z", "app:y", "app:x"}, session.MissingClose, false, "packetregmismatch",
			`packets; the server lacks "app:z" and 2 more; the client lacks "app:a" and 1 more`,
		},
		{[]string{"app:a", "app:b"}, []string{"app:a"}, session.MissingIgnore, false, "", ""},
		{[]string{"app:b", "app:a"}, []string{"app:x", "app:a"}, session.MissingIgnore, false, "", ""},
		{[]string{"app:b", "app:a"}, []string{"app:x", "app:a"}, session.MissingClose, true, "", ""},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			server := newPeer(t, packet.ServerSide, types(test.server...))
			client := newPeer(t, packet.ClientSide, types(test.client...), func(cfg *session.Config) {
				cfg.Missing, cfg.KeepIDs = test.missing, test.keep
			})
			before := client.cfg.Registry.Table().Entries()
			converse(server, client)
			if test.reason != "" {
				require.Equal(t, test.reason, client.reason())
				_, detail := client.session.Reason()
				require.True(t, strings.HasSuffix(detail, test.detail), detail)
				require.Equal(t, test.reason, server.reason(), "the server is told")
				require.Zero(t, count(server.events, "handshakecomplete"))
				return
			}
			require.True(t, client.session.Active())
			require.True(t, server.session.Active())
			if test.keep {
				require.Equal(t, before, client.cfg.Registry.Table().Entries())
			}
		})
	}
}

// TestLocalPackets: a packet that the server does not know keeps a place in the client's registry, but does not go out.
func TestLocalPackets(t *testing.T) {
	server := newPeer(t, packet.ServerSide, types("app:b", "app:a"))
	client := newPeer(t, packet.ClientSide, types("app:local", "app:a"), func(cfg *session.Config) { cfg.Missing = session.MissingIgnore })
	converse(server, client)
	require.NoError(t, client.send(packet.Name("app:a"), empty))
	converse(server, client)
	require.Contains(t, server.events, serverRecv+"app:a")
	var local *session.NotOnServerError
	require.ErrorAs(t, client.send(packet.Name("app:local"), empty), &local)
	require.ErrorIs(t, local, packet.ErrUnknown)
	require.Empty(t, client.take())
}

// TestContradictoryRegistry: a server that contradicts itself is malformed; the client keeps what it had.
func TestContradictoryRegistry(t *testing.T) {
	for _, registry := range [][]event.Registered{
		{{Name: "app:a", ID: 64}, {Name: "app:a", ID: 65}},
		{{Name: "app:a", ID: 64}, {Name: "app:b", ID: 64}},
		{{Name: "app:a", ID: 0}},
		{{Name: packet.NameClose, ID: 64}},
	} {
		client := newPeer(t, packet.ClientSide, appTypes, func(cfg *session.Config) { cfg.Missing = session.MissingIgnore }).advance(shaking)
		before := client.cfg.Registry.Table()
		client.receive(packed(packet.IDHandshake, packet.AppendHandshake(nil, "", registry)))
		require.Equal(t, "malformedpacket", client.reason())
		require.Same(t, before, client.cfg.Registry.Table())
	}
}

// TestChangeFails: a change that fails leaves the table alone.
func TestChangeFails(t *testing.T) {
	var r session.Registry
	require.Zero(t, r.Table().Len(), "empty at first")
	require.ErrorIs(t, r.Change(func(*packet.Table) (*packet.Table, error) { return nil, packet.ErrExists }), packet.ErrExists)
	require.NotNil(t, r.Table())
}
