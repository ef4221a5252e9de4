package endpoint_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/wire"
)

// reset makes the kernel send a reset instead of an orderly end.
func reset(tb testing.TB, p *rawPeer) {
	tb.Helper()
	require.NoError(tb, p.Conn.(*net.TCPConn).SetLinger(0))
	require.NoError(tb, p.Close())
}

// TestTrueReason: both sides report the same reason, once, whichever side closes (defects 14, 15, 18).
func TestTrueReason(t *testing.T) {
	const rounds = reasonRounds
	server, atServer := listen(t)
	for id := uint64(1); id <= rounds; id++ {
		client, atClient := dial(t, server)
		atServer.await(t, event.ServerHandshakeComplete, id)
		var reason *string
		if id%4 > 1 {
			reason = ptr("because")
		}
		if id%2 == 0 {
			require.NoError(t, server.CloseConn(id, reason))
		} else {
			require.NoError(t, client.CloseConn(0, reason))
		}
		require.Equal(t, reason, atClient.await(t, event.ClientClose, 0).Reason)
		require.Equal(t, reason, atServer.await(t, event.ServerClose, id).Reason)
		require.NoError(t, client.Stop())
		require.Len(t, ofType(atClient.all(), event.ClientClose), 1)
	}
	require.Len(t, ofType(atServer.all(), event.ServerClose), rounds)
}

// TestFramesBeforeClose: what is sent right before a close arrives, and before the close: 200 of 200, both ways (defect 18).
func TestFramesBeforeClose(t *testing.T) {
	const frames = 200
	server, record := listen(t)
	leaving := joinRaw(t, server)
	var burst []byte
	for range frames {
		burst = wire.AppendFrame(burst, echoID, 0, one)
	}
	leaving.write(wire.AppendFrame(burst, packet.IDClose, 0, packet.AppendClose(nil, ptr("done"))))
	require.NoError(t, leaving.Close()) // at once
	require.Equal(t, "done", text(record.await(t, event.ServerClose, 1).Reason))
	require.Len(t, ofType(record.all(), event.ServerRecv), 2+frames+1)

	staying := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 2)
	body := filler(64 << 10) // together more than the kernel takes: the close has to wait
	for range frames {
		require.NoError(t, server.Send(2, echo, body))
	}
	require.NoError(t, server.CloseConn(2, ptr("kicked")))
	require.ErrorIs(t, server.Send(2, echo, one), endpoint.ErrUnknownConn)
	require.ErrorIs(t, server.CloseConn(2, nil), endpoint.ErrUnknownConn)
	for range frames {
		require.Equal(t, body, staying.expect(echoID))
	}
	require.Equal(t, "kicked", staying.expectClose())
	staying.expectEnd()
}

// TestPeerEnds: every way in which a peer can go away, with what the application sees of it.
func TestPeerEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		end    func(p *rawPeer)
		reason string
		detail string
	}{
		{"end of stream", func(p *rawPeer) { _ = p.Close() }, "None", "without a reason"},
		{"half-open", func(p *rawPeer) { _ = p.Conn.(*net.TCPConn).CloseWrite() }, "None", "without a reason"},
		{"in a frame", func(p *rawPeer) { p.write([]byte{0, 0, 1}); _ = p.Close() }, "None", "in the middle of a frame"},
		{"reset", func(p *rawPeer) { reset(t, p) }, "None", "reset"},
		{"closeconn", func(p *rawPeer) { p.send(packet.IDClose, packet.AppendClose(nil, ptr("bye"))) }, "bye", "by the peer"},
		{"closeconn and end", func(p *rawPeer) {
			p.send(packet.IDClose, packet.AppendClose(nil, ptr("bye")))
			_ = p.Close()
		}, "bye", "by the peer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, record := listen(t)
			p := joinRaw(t, server)
			record.await(t, event.ServerHandshakeComplete, 1)
			test.end(p)
			closed := record.await(t, event.ServerClose, 1)
			require.Equal(t, test.reason, text(closed.Reason))
			require.Contains(t, closed.Detail, test.detail)
			require.ErrorIs(t, server.Send(1, echo, one), endpoint.ErrUnknownConn)
			require.Empty(t, server.Conns(0, 10))
			if test.name == "half-open" || test.name == "closeconn" {
				p.expectEnd() // our side of the socket is closed, too (defect 13)
			}
		})
	}
	_, record, gone := listenRaw(t).connect()
	gone.greet()
	require.NoError(t, gone.Close())
	require.Equal(t, "socketclose", text(record.await(t, event.ClientClose, 0).Reason))
}

// TestLeavingADebt: a peer that says goodbye before it has read everything does not want the rest.
func TestLeavingADebt(t *testing.T) {
	server, record := listen(t, func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, server.Send(1, echo, filler(16<<20)))
	require.NotZero(t, server.Conns(0, 1)[0].Queued)
	begin := time.Now()
	p.send(packet.IDClose, packet.AppendClose(nil, ptr("bye")))
	require.Equal(t, "bye", text(record.await(t, event.ServerClose, 1).Reason))
	require.Less(t, time.Since(begin), 4*time.Second)
}

// TestPeerThatStays: the peer is given time to close the socket itself, because the reference's client reports the true
// reason only then (defect 15); one that does not is left behind in a bounded time.
func TestPeerThatStays(t *testing.T) {
	t.Parallel()
	server, record := listen(t)
	p := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	begin := time.Now()
	require.NoError(t, server.CloseConn(1, ptr("leave")))
	require.Equal(t, "leave", p.expectClose())
	p.expectEnd()
	require.Greater(t, time.Since(begin), 190*time.Millisecond)
	require.Less(t, time.Since(begin), 5*time.Second)
}

// TestBadReason: reasons are short texts.
func TestBadReason(t *testing.T) {
	server, _ := listen(t)
	for _, reason := range []string{strings.Repeat("x", endpoint.MaxReason+1), "\xff"} {
		var invalid *packet.InvalidError
		require.ErrorAs(t, server.CloseConn(1, &reason), &invalid)
		_, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{Reason: &reason})
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, "reason", invalid.Field)
	}
	require.ErrorIs(t, server.CloseConn(99, nil), endpoint.ErrUnknownConn)
}

// TestMalformed: each bad frame costs its sender the connection, with a reason, while another client goes on undisturbed
// (section B of the defects).
func TestMalformed(t *testing.T) {
	server, record := listen(t)
	good := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	deep := append([]byte(strings.Repeat("\x91", 2000)), 0xc0)
	id := uint64(1)
	for _, test := range []struct {
		name   string
		bytes  []byte
		reason string
		early  bool // it means something before the handshake alone
	}{
		{"length 0", []byte{0, 0, 0, 0}, "malformedpacket", false},
		{"length 5", []byte{0, 0, 0, 5, 0, 0, 0, 64, 0}, "malformedpacket", false},
		{"empty body", []byte{0, 0, 0, 6, 0, 0, 0, 64, 0, 0}, "malformedpacket", false},
		{"AES", wire.AppendFrame(nil, 64, wire.FlagAES, one), "malformedpacket", false},
		{"bad zlib", wire.AppendFrame(nil, 64, wire.FlagCompressed, one), "malformedpacket", false},
		{"0xc1", wire.AppendFrame(nil, 64, 0, []byte{0xc1}), "malformedpacket", false},
		{"truncated", wire.AppendFrame(nil, 64, 0, []byte{0x92, 1}), "malformedpacket", false},
		{"trailing byte", wire.AppendFrame(nil, 64, 0, []byte{1, 2}), "malformedpacket", false},
		{"invalid UTF-8", wire.AppendFrame(nil, 64, 0, []byte{0xa1, 0xff}), "malformedpacket", false},
		{"int key", wire.AppendFrame(nil, 64, 0, []byte{0x81, 1, 2}), "malformedpacket", false},
		{"nesting", wire.AppendFrame(nil, 64, 0, deep), "malformedpacket", false},
		{"settype that is no map", wire.AppendFrame(nil, 2, 0, one), "malformedpacket", true},
		{"unhashable conntype", wire.AppendFrame(nil, 2, 0, []byte("\x81\xa8conntype\x90")), "malformedpacket", true},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), "packettoolarge", false},
	} {
		for _, join := range []bool{false, true} {
			if join && test.early {
				continue
			}
			id++
			bad := connectRaw(t, server)
			if join {
				bad.shake()
				record.await(t, event.ServerHandshakeComplete, id)
			}
			bad.write(append(test.bytes[:len(test.bytes):len(test.bytes)], 9, 9, 9, 9, 9, 9, 9, 9)) // more in the same read
			require.Equal(t, test.reason, bad.expectClose(), test.name)
			bad.write([]byte{0, 0, 0, 7}) // and more after it
			require.Equal(t, test.reason, text(record.await(t, event.ServerClose, id).Reason))
			good.echoes(server, record, 1)
		}
	}
}
