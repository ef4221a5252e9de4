//go:build interop

package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

var ignoreMissing = map[string]string{"net.registry.missingpacketaction": "ignore"}

func TestHandshakeAgreesOnTheServersRegistry(t *testing.T) {
	server, ref := serveEcho(t)
	want := map[string]uint32{}
	for _, row := range server.Registry() {
		want[row.Name] = row.ID
	}
	ref.connect(server.address, command{"packets": []string{echo}})
	require.Equal(t, want, ref.await("connected").Registry)
}

func TestOurClientRefusesAReferenceServersRegistry(t *testing.T) {
	ref := startReference(t)
	address := ref.serve(command{"packets": []string{"a", "b"}})
	_, err := dial(t, address, endpoint.ClientOptions{}, "a")
	var failed *endpoint.HandshakeError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, text(session.ReasonRegistry), failed.Reason)
	require.Equal(t, text(session.ReasonRegistry), ref.await("closed").Reason)
}

func TestOurClientIgnoresWhatAReferenceServerLacks(t *testing.T) {
	ref := startReference(t)
	address := ref.serve(command{"packets": []string{"b", "a"}, "echo": []string{"a"}})
	c := connect(t, address, endpoint.ClientOptions{Missing: session.MissingIgnore}, "x", "a")
	body := prose(20)
	require.Equal(t, body, c.ask("a", body))
	require.ErrorIs(t, c.Send(0, packet.Name("x"), body), packet.ErrUnknown)
}

func TestReferenceClientRefusesOurRegistry(t *testing.T) {
	server := serve(t, endpoint.ServerOptions{}, "a", "b")
	ref := startReference(t)
	ref.connect(server.address, command{"packets": []string{"a"}})
	require.Equal(t, text(session.ReasonRegistry), server.await(event.ServerClose).Reason)
}

func TestReferenceClientIgnoresWhatOurServerLacks(t *testing.T) {
	server := serve(t, endpoint.ServerOptions{}, "a")
	ref := startReference(t)
	ref.connect(server.address, command{"packets": []string{"a", "x"}, "config": ignoreMissing})
	ref.await("connected")
	body := prose(20)
	ref.do(command{"do": "send", "packet": "a", "body": body})
	require.Equal(t, body, server.echo("a"))
	require.Equal(t, body, ref.await("received").Body)
}

// Defect 25: a reference client loses one packet type for each cycle of the permutation; ours loses none.
func TestOurClientFollowsAPermutedRegistry(t *testing.T) {
	for name, order := range map[string][]string{
		"swapped": {"b", "a", "c"},
		"rotated": {"b", "c", "a"},
		"same":    {"a", "b", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			ref := startReference(t)
			address := ref.serve(command{"packets": order, "echo": order})
			c := connect(t, address, endpoint.ClientOptions{}, "a", "b", "c")
			for _, name := range order {
				require.Equal(t, prose(9), c.ask(name, prose(9)))
				require.Equal(t, name, ref.await("received").Packet)
			}
		})
	}
}

// The same from the other side: what a reference client still knows after it was permuted works with our server.
func TestReferenceClientFollowsAPermutedRegistryAsFarAsItCan(t *testing.T) {
	names := []string{"a", "b", "c"}
	server := serve(t, endpoint.ServerOptions{}, names...)
	ids := map[string]uint32{}
	for _, row := range server.Registry() {
		ids[row.Name] = row.ID
	}
	ref := startReference(t)
	ref.connect(server.address, command{"packets": []string{"b", "a", "c"}})
	registry := ref.await("connected").Registry
	kept := 0
	for _, name := range names {
		if registry[name] == 0 {
			continue
		}
		kept++
		require.Equal(t, ids[name], registry[name])
		ref.do(command{"do": "send", "packet": name, "body": prose(9)})
		require.Equal(t, prose(9), server.echo(name))
		require.Equal(t, name, ref.await("received").Packet)
	}
	require.Equal(t, 2, kept, "one of the two that were swapped is lost (defect 25)")
}
