package endpoint_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// TestLimitReasons: what goes beyond a limit ends its connection, with a reason that the peer reads and the event carries.
func TestLimitReasons(t *testing.T) {
	t.Parallel()
	const short = 60 * time.Millisecond
	for _, test := range []struct {
		reason string
		limits endpoint.Limits
		join   bool // whether the handshake is completed first
		do     func(p *rawPeer)
	}{
		{"handshaketimeout", endpoint.Limits{HandshakeTimeout: short}, false, func(*rawPeer) {}}, // defect 10
		{"handshaketimeout", endpoint.Limits{HandshakeTimeout: short}, false, func(p *rawPeer) {
			p.send(packet.IDSettype, packet.AppendSettype(nil, "classic"))
		}},
		{"frametimeout", endpoint.Limits{FrameStallTimeout: short}, true, func(p *rawPeer) { p.write([]byte{0, 0, 0, 99, 1}) }},
		{"frametimeout", endpoint.Limits{FrameStallTimeout: short}, true, func(p *rawPeer) { p.write([]byte{0}) }}, // defect 1
		{"idletimeout", endpoint.Limits{IdleTimeout: short}, true, func(*rawPeer) {}},
		{"packettoolarge", endpoint.Limits{MaxPacket: 1000}, true, func(p *rawPeer) { p.send(echoID, filler(1001)) }},
		{"packettoolarge", endpoint.Limits{}, true, func(p *rawPeer) { p.write([]byte{0xff, 0xff, 0xff, 0xff}) }}, // defect 7
		{"packettoolarge", endpoint.Limits{}, false, func(p *rawPeer) { p.send(99, filler(64<<10+1)) }},
		{"packettoolarge", endpoint.Limits{MaxHandshakePacket: 50}, false, func(p *rawPeer) { p.send(99, filler(51)) }},
	} {
		t.Run(test.reason, func(t *testing.T) {
			server, record := listen(t, limits(test.limits))
			p := connectRaw(t, server)
			if test.join {
				p.shake()
				record.await(t, event.ServerHandshakeComplete, 1)
			}
			test.do(p)
			require.Equal(t, test.reason, p.expectClose())
			closed := record.await(t, event.ServerClose, 1)
			require.Equal(t, test.reason, text(closed.Reason))
			require.NotEmpty(t, closed.Detail)
			p.expectEnd()
			require.EqualValues(t, 1, server.Stats().Closed[test.reason])
		})
	}
}

// TestZipBomb: a small frame that inflates beyond the limit costs its sender the connection, and us no memory (defect 8).
func TestZipBomb(t *testing.T) {
	server, record := listen(t, limits(endpoint.Limits{MaxPacket: 1 << 20}))
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	bomb, err := wire.DefaultCompression().AppendPacket(nil, echoID, append([]byte{0xc6, 0, 0x40, 0, 0}, make([]byte, 4<<20)...))
	require.NoError(t, err)
	require.Less(t, len(bomb), 64<<10)
	p.write(bomb)
	require.Equal(t, "packettoolarge", p.expectClose())
}

// TestManySmallBombs: a read full of frames that each inflate to less than the limit is handled piece by piece.
func TestManySmallBombs(t *testing.T) {
	server, record := listen(t)
	p := joinRaw(t, server)
	body := append([]byte{0xc6, 0, 0x0f, 0xff, 0xfb}, make([]byte, 1<<20-5)...)
	frame, err := wire.DefaultCompression().AppendPacket(nil, echoID, body)
	require.NoError(t, err)
	var burst []byte
	for range 8 {
		burst = append(burst, frame...)
	}
	p.write(burst)
	record.count(t, event.ServerRecv, 2+8)
	for _, ev := range ofType(record.all(), event.ServerRecv)[2:] {
		require.Equal(t, body, ev.Body)
	}
}

// TestRegistryLimit: a client takes a registry of up to 1 MiB, or what it is told.
func TestRegistryLimit(t *testing.T) {
	_, record, server := listenRaw(t).connect(func(opts *endpoint.ClientOptions) { opts.Limits.MaxRegistry = 100 })
	server.send(packet.IDHello, packet.AppendHello(nil, ""))
	server.expect(packet.IDSettype)
	server.send(packet.IDHandshake, filler(101))
	require.Equal(t, "packettoolarge", server.expectClose())
	require.Equal(t, "packettoolarge", text(record.await(t, event.ClientClose, 0).Reason))
}

// TestConnectionLimits: a connection beyond the limit is refused at once, and another may come when one has left.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for why, l := range map[endpoint.Refusal]endpoint.Limits{
		endpoint.RefusedConnections: {MaxConnections: 2},
		endpoint.RefusedAddress:     {MaxConnectionsPerAddress: 2},
	} {
		t.Run(string(why), func(t *testing.T) {
			server, record := listen(t, limits(l))
			first := joinRaw(t, server)
			joinRaw(t, server)
			refused := connectRaw(t, server)
			refused.expectEnd()
			require.EqualValues(t, 1, server.Stats().Refused[why])
			require.NoError(t, first.Close())
			record.count(t, event.ServerClose, 1)
			require.Eventually(t, func() bool { // the socket is given back a moment after the event
				p := connectRaw(t, server)
				_, err := p.next()
				return err == nil
			}, patience, time.Millisecond)
			require.EqualValues(t, 3, server.Stats().ConnectionsTotal)
		})
	}
}

// TestPacing: a connection that sends more than it may is slowed down, and loses nothing.
func TestPacing(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]endpoint.Limits{
		"packets": {PacketsPerSecond: 100},
		"bytes":   {BytesPerSecond: 100 * 11},
	} {
		t.Run(name, func(t *testing.T) {
			server, record := listen(t, limits(l))
			p := joinRaw(t, server)
			record.await(t, event.ServerHandshakeComplete, 1)
			const packets = 160
			var burst []byte
			for range packets {
				burst = wire.AppendFrame(burst, echoID, 0, one)
			}
			begin := time.Now()
			p.write(burst)
			record.count(t, event.ServerRecv, 2+packets)
			require.Greater(t, time.Since(begin), 300*time.Millisecond, "the burst is a second's worth, the rest is paced")
			require.Positive(t, server.Stats().Paced)
		})
	}
}

// TestBadLimits: negative and impossible limits are refused, by the name that the API gives them.
func TestBadLimits(t *testing.T) {
	for field, l := range map[string]endpoint.Limits{
		"limits.max_packet_bytes":           {MaxPacket: 1<<30 + 1},
		"limits.max_handshake_packet_bytes": {MaxHandshakePacket: -1},
		"limits.max_registry_bytes":         {MaxRegistry: 1<<30 + 1},
		"limits.handshake_timeout":          {HandshakeTimeout: -1},
		"limits.send_queue_bytes":           {SendQueue: -1},
		"limits.idle_timeout":               {IdleTimeout: -time.Second},
		"limits.bytes_per_second":           {BytesPerSecond: -1},
	} {
		_, err := endpoint.Listen(t.Context(), "127.0.0.1:0", endpoint.ServerOptions{Options: endpoint.Options{Limits: l}})
		var invalid *packet.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, field, invalid.Field)
	}
	server, _ := listen(t)
	require.Equal(t, endpoint.DefaultLimits(), server.Stats().Limits, "those of the zero value")
}
