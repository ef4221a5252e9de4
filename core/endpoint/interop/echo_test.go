//go:build interop

package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

const echo = "interop:echo"

var echoPacket = packet.Name(echo)

// largeBodies are compressed on their way. A reference server sends up to about 4 MB whole (defect 9).
var largeBodies = []struct {
	name string
	body []byte
}{
	{"100 kB that shrink", prose(100_000)},
	{"100 kB that do not", noise(100_000)},
	{"3 MB that shrink", prose(3_000_000)},
	{"3 MB that do not", noise(3_000_000)},
}

// Echoes are sent one at a time: a reference peer that gets several at once can stall (defect 1).

func TestReferenceServerEchoesEveryType(t *testing.T) {
	c, _ := connectToEcho(t)
	for i, body := range bodies() {
		requireSame(t, body, c.ask(echo, body), "body %d", i)
	}
}

func TestReferenceServerEchoesLargeBodies(t *testing.T) {
	c, ref := connectToEcho(t)
	for _, large := range largeBodies {
		requireSame(t, large.body, c.ask(echo, large.body), "%s, as they came back", large.name)
		requireSame(t, large.body, ref.await("received").Body, "%s, as the reference saw them", large.name)
	}
}

func TestReferenceServerTakesAndSendsUnaskedPackets(t *testing.T) {
	c, ref := connectToEcho(t)
	cid := ref.await("connected").Cid
	require.Equal(t, uint64(1), cid)
	body := prose(10)
	ref.do(command{"do": "send", "packet": echo, "body": body, "cid": cid})
	requireSame(t, body, c.awaitPacket(event.ClientRecv, echo).Body, "unasked")
}

func TestReferenceClientIsEchoedEveryType(t *testing.T) {
	server, ref := serveEcho(t)
	for i, body := range bodies() {
		ref.do(command{"do": "send", "packet": echo, "body": body})
		requireSame(t, body, server.echo(echo), "body %d as it came", i)
		requireSame(t, body, ref.await("received").Body, "body %d as it came back", i)
	}
}

func TestReferenceClientIsEchoedLargeBodies(t *testing.T) {
	server, ref := serveEcho(t)
	for _, large := range largeBodies {
		ref.do(command{"do": "send", "packet": echo, "body": large.body})
		requireSame(t, large.body, server.echo(echo), "%s, as they came", large.name)
		requireSame(t, large.body, ref.await("received").Body, "%s, as they came back", large.name)
	}
}

func TestReferenceClientMaySendInBursts(t *testing.T) {
	server, ref := serveEcho(t)
	all := bodies()[:100]
	for _, body := range all {
		ref.do(command{"do": "send", "packet": echo, "body": body})
	}
	for i, body := range all {
		requireSame(t, body, server.awaitPacket(event.ServerRecv, echo).Body, "body %d", i)
	}
}

func TestReferenceClientsGetBroadcasts(t *testing.T) {
	server := serve(t, endpoint.ServerOptions{}, echo)
	refs := make([]*reference, 3)
	for i := range refs {
		refs[i] = startReference(t)
		refs[i].connect(server.address, command{"packets": []string{echo}})
		server.await(event.ServerHandshakeComplete)
	}
	body := prose(20_000)
	result, err := server.Broadcast(endpoint.Target{}, echoPacket, body)
	require.NoError(t, err)
	require.Equal(t, len(refs), result.Queued)
	for _, ref := range refs {
		requireSame(t, body, ref.await("received").Body, "broadcast")
	}
}

// connectToEcho makes one of our clients of a reference server that echoes.
func connectToEcho(t *testing.T) (client, *reference) {
	t.Helper()
	ref := startReference(t)
	address := ref.serve(command{"packets": []string{echo}, "echo": []string{echo}})
	return connect(t, address, endpoint.ClientOptions{}, echo), ref
}

// serveEcho makes a reference client of one of our servers.
func serveEcho(t *testing.T) (server, *reference) {
	t.Helper()
	s := serve(t, endpoint.ServerOptions{}, echo)
	ref := startReference(t)
	ref.connect(s.address, command{"packets": []string{echo}})
	ref.await("connected")
	return s, ref
}
