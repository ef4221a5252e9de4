package endpoint_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// TestEventOrder: the whole life of a server and a client, with everything their events carry.
func TestEventOrder(t *testing.T) {
	server, atServer := listen(t)
	client, atClient := dial(t, server)
	atServer.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, client.Send(0, echo, []byte{7}))
	received := atServer.await(t, event.ServerRecv, 1)
	require.Equal(t, packet.IDSettype, received.PacketID)
	atServer.count(t, event.ServerRecv, 3)
	require.NoError(t, server.Send(1, echo, []byte{8}))
	atClient.count(t, event.ClientRecv, 3)
	require.NoError(t, server.Interrupt())
	result, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{Reason: ptr("bye"), Join: true})
	require.NoError(t, err)
	require.Equal(t, endpoint.ShutdownResult{Delivered: 1}, result)
	atClient.await(t, event.ClientClose, 0)
	require.NoError(t, client.Stop())

	require.Equal(t, []string{
		"server.initialize", "server.bind", "server.start",
		"server.connection.accept",
		"server.connection.send " + packet.NameHello,
		"server.connection.recv " + packet.NameSettype,
		"server.connection.send " + packet.NameHandshake,
		"server.connection.recv " + packet.NameAccept,
		"server.connection.handshakecomplete",
		"server.connection.recv app:echo",
		"server.connection.send app:echo",
		"server.interrupt",
		"server.connection.send " + packet.NameClose,
		"server.connection.close bye",
		"server.stop", "server.interrupt", "server.shutdown",
	}, names(atServer.all()))
	require.Equal(t, []string{
		"client.initialize", "client.connect", "client.start",
		"client.recv " + packet.NameHello,
		"client.send " + packet.NameSettype,
		"client.recv " + packet.NameHandshake,
		"client.send " + packet.NameAccept,
		"client.handshakecomplete",
		"client.send app:echo",
		"client.recv app:echo",
		"client.recv " + packet.NameClose,
		"client.close bye",
		"client.stop", "client.interrupt",
	}, names(atClient.all()))

	events := atServer.all()
	require.Equal(t, server.Addr(), events[1].Addr)
	require.Equal(t, client.Local, events[3].Addr)
	require.Equal(t, client.Remote, events[3].Local)
	sent := ofType(events, event.ServerSend)[2]
	require.Equal(t, []byte{0, 0, 0, 7, 0, 0, 0, 64, 0, 0, 8}, sent.Frame, "a server's send carries the frame, length included")
	require.Equal(t, []byte{8}, sent.Body)
	shutdown := events[len(events)-1]
	require.Equal(t, "bye", text(shutdown.Reason))
	require.True(t, shutdown.Join)
	require.Equal(t, "method", text(events[len(events)-3].Reason))
	connect := atClient.all()[1]
	require.Equal(t, []event.Addr{server.Addr(), server.Addr(), client.Local}, []event.Addr{connect.Addr, connect.Remote, connect.Local})
	require.Equal(t, client.Registry(), atClient.await(t, event.ClientHandshakeComplete, 0).Registry)
	for _, events := range [][]event.Event{events, atClient.all()} {
		for i := range events[1:] {
			require.False(t, events[i+1].Time.Before(events[i].Time), "times do not go back: %v", names(events[i:i+2]))
		}
	}
}

// TestActiveBeforeHandshakeComplete: an application can react to handshakecomplete by sending (defect 35's other half).
func TestActiveBeforeHandshakeComplete(t *testing.T) {
	for range 20 {
		server, record := listen(t)
		client := joinRaw(t, server)
		record.await(t, event.ServerHandshakeComplete, 1)
		require.NoError(t, server.Send(1, echo, one))
		require.Equal(t, one, client.expect(echoID))
	}
}

// TestOmit: event types that nobody wants are not recorded.
func TestOmit(t *testing.T) {
	t.Parallel()
	server, record := listen(t, func(opts *endpoint.ServerOptions) {
		opts.Omit = func(typ event.Type) bool { return typ == event.ServerSend || typ == event.ServerRecv }
	})
	client := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, server.Send(1, echo, one))
	client.expect(echoID)
	client.leaveWhenTold()
	require.NoError(t, server.Stop())
	require.Equal(t, []string{
		"server.initialize", "server.bind", "server.start", "server.connection.accept", "server.connection.handshakecomplete",
		"server.connection.close servershutdown", "server.stop", "server.interrupt",
	}, names(record.all()))
}

// TestDeferredStart: bound or connected, but nothing is accepted or read before Start, and Stop works without it.
func TestDeferredStart(t *testing.T) {
	deferred := func(opts *endpoint.ServerOptions) { opts.DeferredStart = true }
	server, record := listen(t, deferred)
	early := connectRaw(t, server) // waits in the kernel's queue
	require.Equal(t, []string{"server.initialize", "server.bind"}, names(record.all()))
	require.Equal(t, endpoint.Deferred, server.Stats().Phase)
	require.NoError(t, server.Start())
	require.NoError(t, server.Start(), "starting again does nothing")
	early.shake()
	record.await(t, event.ServerHandshakeComplete, 1)

	never, record := listen(t, deferred)
	require.NoError(t, never.Stop())
	require.ErrorIs(t, never.Start(), endpoint.ErrStopped)
	require.Equal(t, []string{"server.initialize", "server.bind", "server.stop", "server.interrupt"}, names(record.all()))

	client, record := dial(t, server, func(opts *endpoint.ClientOptions) { opts.DeferredStart, opts.WaitHandshake = true, false })
	require.Equal(t, []string{"client.initialize", "client.connect"}, names(record.all()))
	result, err := client.Shutdown(t.Context(), endpoint.ShutdownOptions{Join: true})
	require.NoError(t, err)
	require.Equal(t, endpoint.ShutdownResult{Cut: 1}, result, "nobody was told anything")
	require.Equal(t, []string{
		"client.initialize", "client.connect", "client.close None", "client.stop", "client.interrupt",
	}, names(record.all()))
}

// TestLateStart: the time between connecting and Start is not the server's.
func TestLateStart(t *testing.T) {
	t.Parallel()
	const limit = 800 * time.Millisecond
	client, record, server := listenRaw(t).connect(func(opts *endpoint.ClientOptions) {
		opts.DeferredStart, opts.Limits.HandshakeTimeout = true, limit
	})
	passes(t, limit)
	require.NoError(t, client.Start())
	passes(t, limit*3/8) // long enough for the janitor to look
	server.greet()
	record.await(t, event.ClientHandshakeComplete, 0)
	require.Empty(t, ofType(record.all(), event.ClientClose))
}

// passes waits until some time has passed.
func passes(tb testing.TB, d time.Duration) {
	tb.Helper()
	begin := time.Now()
	require.Eventually(tb, func() bool { return time.Since(begin) > d }, patience, time.Millisecond)
}
