package endpoint_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// TestStopIsFinal: stopping can be asked for by anyone at any time, happens once, and leaves nothing usable.
func TestStopIsFinal(t *testing.T) {
	server, record := listen(t)
	_, atClient := dial(t, server)
	var stops sync.WaitGroup
	for i := range 8 {
		stops.Go(func() {
			if i%2 == 0 {
				_ = server.Stop()
				return
			}
			_, _ = server.Shutdown(t.Context(), endpoint.ShutdownOptions{Join: true, Timeout: time.Second})
		})
	}
	stops.Wait()
	<-server.Done()
	require.Equal(t, endpoint.Stopped, server.Stats().Phase)
	require.Len(t, ofType(record.all(), event.ServerStop), 1)
	require.Equal(t, "servershutdown", text(atClient.await(t, event.ClientClose, 0).Reason))

	events := len(record.all())
	for name, err := range map[string]error{
		"Start":             server.Start(),
		"Send":              server.Send(1, echo, one),
		"CloseConn":         server.CloseConn(1, nil),
		"Update":            server.Update(1, endpoint.Update{}),
		"Interrupt":         server.Interrupt(),
		"RegisterPackets":   second(server.RegisterPackets(nil)),
		"RegisterConntypes": server.RegisterConntypes(nil),
		"Broadcast":         second(server.Broadcast(endpoint.Target{}, echo, one)),
		"Batch.Broadcast":   second(server.Batch().Broadcast(endpoint.Target{}, echo, one)),
		"Batch.Send":        server.Batch().Send(1, echo, one),
	} {
		require.ErrorIs(t, err, endpoint.ErrStopped, name)
	}
	require.NoError(t, server.Flush(t.Context()))
	require.Len(t, record.all(), events, "an endpoint that has ended reports nothing more")
}

func second[T any](_ T, err error) error { return err }

// TestPortIsFree: after Stop nobody can connect, and the port can be bound at once (defect 13).
func TestPortIsFree(t *testing.T) {
	t.Parallel()
	server, record := listen(t)
	for range 5 {
		joinRaw(t, server).leaveWhenTold()
	}
	record.count(t, event.ServerHandshakeComplete, 5)
	_, err := endpoint.Listen(t.Context(), address(server.Addr()), endpoint.ServerOptions{})
	require.ErrorIs(t, err, endpoint.ErrAddressInUse)
	require.ErrorContains(t, err, address(server.Addr()))
	require.NoError(t, server.Stop())
	_, err = endpoint.Dial(t.Context(), address(server.Addr()), endpoint.ClientOptions{})
	require.ErrorIs(t, err, endpoint.ErrConnectRefused, "defect 36")
	require.Equal(t, 1, strings.Count(err.Error(), address(server.Addr())), "said once: %v", err)
	again, err := endpoint.Listen(t.Context(), address(server.Addr()), endpoint.ServerOptions{})
	require.NoError(t, err)
	require.NoError(t, again.Stop())
}

// TestShutdownTellsEveryone: every client gets the reason and the end of its stream (defect 16).
func TestShutdownTellsEveryone(t *testing.T) {
	const clients = 20
	server, record := listen(t)
	var peers []*rawPeer
	for i := range clients {
		p := connectRaw(t, server)
		if i%2 == 0 {
			p.shake()
		}
		peers = append(peers, p)
	}
	record.count(t, event.ServerHandshakeComplete, clients/2)
	record.count(t, event.ServerAccept, clients)
	require.Eventually(t, func() bool { return server.Stats().PacketsSent >= clients*3/2 }, patience, time.Millisecond)
	told := make(chan string, clients)
	for _, p := range peers {
		go func() {
			told <- p.expectClose()
			_ = p.Close()
		}()
	}
	result, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{Join: true})
	require.NoError(t, err)
	require.Equal(t, endpoint.ShutdownResult{Delivered: clients}, result)
	for range clients {
		require.Equal(t, "servershutdown", <-told)
	}
}

// TestShutdownBesidesADeafPeer: a peer that reads nothing is cut when the time is up; the others are not its victims.
func TestShutdownBesidesADeafPeer(t *testing.T) {
	t.Parallel()
	server, record := listen(t, func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	joinRaw(t, server) // the deaf one
	good := joinRaw(t, server)
	record.count(t, event.ServerHandshakeComplete, 2)
	body := filler(1 << 20)
	for range 16 { // more than the kernel takes
		require.NoError(t, server.Send(1, echo, body))
	}
	require.NotZero(t, server.Conns(0, 1)[0].Queued)
	told := make(chan string, 1)
	go func() {
		told <- good.expectClose()
		_ = good.Close()
	}()
	begin := time.Now()
	result, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{Reason: ptr("night"), Join: true, Timeout: 300 * time.Millisecond})
	require.NoError(t, err)
	require.Equal(t, endpoint.ShutdownResult{Delivered: 1, Cut: 1}, result)
	require.Equal(t, "night", <-told)
	require.Less(t, time.Since(begin), 3*time.Second)
	require.Equal(t, "night", text(record.await(t, event.ServerClose, 1).Reason))
}

// TestShutdownWithoutJoin returns at once, and ends all the same; one that waits for longer than its context is told.
func TestShutdownWithoutJoin(t *testing.T) {
	t.Parallel()
	server, _ := listen(t)
	joinRaw(t, server).leaveWhenTold()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{})
	require.NoError(t, err)
	select {
	case <-server.Done():
	default:
		_, err = server.Shutdown(over, endpoint.ShutdownOptions{Join: true})
		if err != nil { // it may have ended at this very moment
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	<-server.Done()
	var invalid *packet.InvalidError
	_, err = server.Shutdown(t.Context(), endpoint.ShutdownOptions{Timeout: -1})
	require.ErrorAs(t, err, &invalid)
}

// TestStopDuringEverything: while clients come and go, send and are sent to, the stop event is the end of all events.
func TestStopDuringEverything(t *testing.T) {
	for range stopRounds {
		server, record := listen(t)
		var busy sync.WaitGroup
		for range 3 {
			busy.Go(func() {
				for {
					client, err := endpoint.Dial(context.Background(), address(server.Addr()), endpoint.ClientOptions{
						Options: endpoint.Options{Packets: appTypes}, WaitHandshake: true,
					})
					if err != nil {
						return
					}
					_ = client.Send(0, echo, one)
					_ = client.Stop()
				}
			})
		}
		for range 2 {
			busy.Go(func() {
				for second(server.Broadcast(endpoint.Target{}, echo, one)) == nil {
				}
			})
		}
		record.count(t, event.ServerHandshakeComplete, 10)
		require.NoError(t, server.Stop())
		events := record.all()
		busy.Wait()
		require.Len(t, record.all(), len(events))
		require.Equal(t, []string{"server.stop", "server.interrupt"}, names(events[len(events)-2:]))
		requireCloseLast(t, events)
	}
}

// TestStopAtAccept: an endpoint that stops while a connection is being accepted reports its accept before its close.
func TestStopAtAccept(t *testing.T) {
	t.Parallel()
	sink := newHeld(func(ev event.Event) bool { return ev.Type == event.ServerAccept })
	server, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Events = sink })
	connectRaw(t, server).leaveWhenTold()
	<-sink.reached
	_, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{})
	require.NoError(t, err)
	passes(t, 100*time.Millisecond) // what must not happen needs its time
	close(sink.let)
	<-server.Done()
	requireCloseLast(t, sink.all())
	require.Len(t, ofType(sink.all(), event.ServerClose), 1)
}

// requireCloseLast checks every connection's events: accept first, close last and once, broadcasts included.
func requireCloseLast(tb testing.TB, events []event.Event) {
	tb.Helper()
	const open, closed = 1, 2
	state := make(map[uint64]int)
	for i, ev := range events {
		for _, id := range append(ev.Conns, ev.Conn) {
			switch {
			case id == 0:
			case ev.Type == event.ServerAccept:
				require.Zero(tb, state[id])
				state[id] = open
			default:
				require.Equal(tb, open, state[id], "connection %d, event %d: %v", id, i, names(events[i:i+1]))
				if ev.Type == event.ServerClose {
					state[id] = closed
				}
			}
		}
	}
	for id, s := range state {
		require.Equal(tb, closed, s, "connection %d was not closed", id)
	}
}

// TestClientStop tells the server goodbye without a reason, as in the reference.
func TestClientStop(t *testing.T) {
	server, record := listen(t)
	client, atClient := dial(t, server)
	require.NoError(t, client.Stop())
	require.Equal(t, "None", text(record.await(t, event.ServerClose, 1).Reason))
	require.Equal(t, "None", text(atClient.await(t, event.ClientClose, 0).Reason))
}
