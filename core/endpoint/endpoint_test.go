package endpoint_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// TestRegisterWhileRunning: packets registered later are known to later clients; all of them, or none.
func TestRegisterWhileRunning(t *testing.T) {
	server, record := listen(t)
	added, err := server.RegisterPackets([]packet.Type{{Name: "app:new"}, {Name: "app:fixed", ID: 90}})
	require.NoError(t, err)
	require.Equal(t, []uint32{66, 90}, []uint32{added[0].ID, added[1].ID})
	_, err = server.RegisterPackets([]packet.Type{{Name: "app:newer"}, {Name: "app:new"}})
	require.ErrorIs(t, err, packet.ErrExists)
	client, _ := dial(t, server, func(opts *endpoint.ClientOptions) {
		opts.Packets = append([]packet.Type{{Name: "app:fixed"}, {Name: "app:new"}}, appTypes...)
	})
	require.Equal(t, server.Registry(), client.Registry())
	require.NoError(t, client.Send(0, packet.Name("app:fixed"), one))
	record.until(t, "app:fixed", func(events []event.Event) bool { return events[len(events)-1].Packet == "app:fixed" })
	require.NoError(t, server.RegisterConntypes([]session.Conntype{{Name: "app:type", Handshake: session.HandshakeNone}}))
	require.ErrorIs(t, server.RegisterConntypes([]session.Conntype{{Name: "app:type"}}), packet.ErrExists)
}

// TestCompressionChanges take effect with the next packet.
func TestCompressionChanges(t *testing.T) {
	server, record := listen(t)
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	body := append([]byte{0xc5, 0x4e, 0x20}, make([]byte, 20000)...)
	for _, c := range []wire.Compression{{Disabled: true}, wire.DefaultCompression(), {Threshold: 20003}, {Threshold: 20002, Level: 1}} {
		require.NoError(t, server.SetCompression(c))
		before := server.Stats().BytesSent
		require.NoError(t, server.Send(1, echo, body))
		require.Equal(t, body, p.expect(echoID))
		shrunk := server.Stats().BytesSent-before < 10000
		require.Equal(t, !c.Disabled && c.Threshold < len(body), shrunk)
	}
	var invalid *packet.InvalidError
	require.ErrorAs(t, server.SetCompression(wire.Compression{Level: 10}), &invalid)
}

// TestCounters: what Stats and Conns say.
func TestCounters(t *testing.T) {
	server, record := listen(t)
	client, _ := dial(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, client.Send(0, echo, one))
	record.count(t, event.ServerRecv, 3)
	conns := server.Conns(0, 10)
	require.Len(t, conns, 1)
	require.EqualValues(t, 1, conns[0].ID)
	require.Equal(t, client.Local, conns[0].Remote)
	require.Equal(t, packet.Conn{State: session.StateActive, Conntype: "classic"}, conns[0].View)
	stats := server.Stats()
	require.EqualValues(t, 3, stats.PacketsReceived)
	require.EqualValues(t, 2, stats.PacketsSent)
	require.Equal(t, stats.BytesReceived, conns[0].BytesReceived)
	require.Equal(t, stats.BytesSent, client.Stats().BytesReceived)
	require.Equal(t, 1, stats.Connections)
	require.Empty(t, server.Conns(1, 10))
	require.Empty(t, server.Conns(0, 0))
	require.Len(t, client.Conns(0, 10), 1)
}
