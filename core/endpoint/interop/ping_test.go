//go:build interop

package interop

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

func TestReferencePingsOurServer(t *testing.T) {
	motd := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "motd"), "Grüße")
	server := serve(t, endpoint.ServerOptions{Ping: &session.PingAnswer{Data: motd}})
	ref := startReference(t)
	pong := ref.ping(server.address)
	require.Equal(t, "Grüße", pong["motd"])
	require.Equal(t, "yes", pong["oldmsg"].(map[string]any)["asked"])
	require.Equal(t, int64(packet.ProtocolVersion), pong["peng3dnet"].(map[string]any)["protoversion"])
	require.Less(t, pong["delay"], patience.Seconds())
	// pingServer sends a close without a reason before the one that says pingcomplete (defect 23).
	require.Nil(t, server.await(event.ServerClose).Reason)
}

func TestReferencePingsOurApplication(t *testing.T) {
	server := serve(t, endpoint.ServerOptions{Ping: &session.PingAnswer{Application: true}})
	ref := startReference(t)
	ref.sendPing(server.address)
	asked := server.awaitWhere(event.ServerRecv, func(ev event.Event) bool { return ev.PacketID == packet.IDPing })
	answer := msgp.AppendMapHeader(nil, 2)
	answer = append(msgp.AppendString(answer, "oldmsg"), asked.Body...)
	answer = msgp.AppendInt(msgp.AppendString(answer, "players"), 3)
	require.NoError(t, server.Send(asked.Conn, packet.ID(packet.IDPong), answer))
	require.Equal(t, int64(3), ref.awaitPong()["players"])
}

func TestWePingAReferenceServer(t *testing.T) {
	ref := startReference(t)
	address := ref.serve(command{"pingdata": map[string]any{"motd": "Grüße", "players": 3}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	asked := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "asked"), "yes")
	result, err := endpoint.Ping(ctx, address, endpoint.PingOptions{Data: asked})
	require.NoError(t, err)
	pong := readMap(t, result.Body)
	require.Equal(t, "Grüße", pong["motd"])
	require.Equal(t, int64(3), pong["players"])
	require.Equal(t, "yes", pong["oldmsg"].(map[string]any)["asked"])
	require.Equal(t, int64(packet.ProtocolVersion), pong["peng3dnet"].(map[string]any)["protoversion"])
	require.Positive(t, result.Delay)
	require.Less(t, result.Delay, patience)
	require.Equal(t, text(session.ReasonPingComplete), ref.await("closed").Reason)
}

// Defect 22: a reference server without pings raises KeyError inside and never answers.
func TestWePingAReferenceServerThatKnowsNoPings(t *testing.T) {
	ref := startReference(t)
	address := ref.serve(nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := endpoint.Ping(ctx, address, endpoint.PingOptions{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// ping has the reference ping a server, and returns what its pingServer returned.
func (r *reference) ping(address string) map[string]any {
	r.t.Helper()
	r.sendPing(address)
	return r.awaitPong()
}

func (r *reference) sendPing(address string) {
	r.t.Helper()
	r.do(command{"do": "ping", "address": address, "data": command{"asked": "yes"}, "timeout": patience.Seconds()})
}

func (r *reference) awaitPong() map[string]any {
	r.t.Helper()
	return readMap(r.t, r.await("pong").Body)
}

func readMap(t *testing.T, body []byte) map[string]any {
	t.Helper()
	m, rest, err := msgp.ReadMapStrIntfBytes(body, nil)
	require.NoError(t, err)
	require.Empty(t, rest)
	return m
}
