package endpoint_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// TestBroadcastTargets: which connections get a broadcast, and what is said of the others.
func TestBroadcastTargets(t *testing.T) {
	server, record := listen(t, func(opts *endpoint.ServerOptions) { opts.Ping = &session.PingAnswer{} })
	peers := map[uint64]*rawPeer{}
	for id := uint64(1); id <= 4; id++ {
		peers[id] = joinRaw(t, server)
		record.await(t, event.ServerHandshakeComplete, id)
	}
	connectRaw(t, server).expect(packet.IDHello) // 5, not active
	pinger := connectRaw(t, server)              // 6, active, but not for packets of the application
	pinger.expect(packet.IDHello)
	pinger.send(packet.IDSettype, packet.AppendSettype(nil, session.ConntypePing))
	require.Eventually(t, func() bool { // not record.until: connections report with their lock held, and Conns wants it
		conns := server.Conns(5, 1)
		return len(conns) == 1 && conns[0].View.State == session.StateActive
	}, patience, time.Millisecond)
	require.NoError(t, server.Update(1, endpoint.Update{Join: []string{"red", "blue"}}))
	require.NoError(t, server.Update(2, endpoint.Update{Join: []string{"red"}}))
	for _, test := range []struct {
		target  endpoint.Target
		reached []uint64
		skipped []uint64
	}{
		{endpoint.Target{}, []uint64{1, 2, 3, 4}, nil},
		{endpoint.Target{Exclude: []uint64{2, 99}}, []uint64{1, 3, 4}, nil},
		{endpoint.Target{Conns: []uint64{3, 1, 3}}, []uint64{1, 3}, nil},
		{endpoint.Target{Conns: []uint64{3, 5, 6, 99, 2}, Exclude: []uint64{2}}, []uint64{3}, []uint64{99, 5, 6}},
		{endpoint.Target{Conns: []uint64{1, 2, 3, 4}, Exclude: []uint64{2, 99, 3, 1}}, []uint64{4}, nil},
		{endpoint.Target{Conns: []uint64{4}, Exclude: []uint64{1, 2, 4}}, nil, nil},
		{endpoint.Target{Group: "red"}, []uint64{1, 2}, nil},
		{endpoint.Target{Group: "red", Exclude: []uint64{1}}, []uint64{2}, nil},
		{endpoint.Target{Group: "nobody"}, nil, nil},
	} {
		for _, batch := range []*endpoint.Batch{nil, server.Batch()} {
			before := len(ofType(record.all(), event.ServerSend))
			var result endpoint.BroadcastResult
			var err error
			if batch == nil {
				result, err = server.Broadcast(test.target, echo, one)
			} else {
				result, err = batch.Broadcast(test.target, echo, one)
				batch.Flush()
			}
			require.NoError(t, err)
			require.Equal(t, endpoint.BroadcastResult{Queued: len(test.reached), Skipped: test.skipped}, result)
			for _, id := range test.reached {
				require.Equal(t, one, peers[id].expect(echoID))
			}
			events := ofType(record.all(), event.ServerSend)[before:]
			if len(test.reached) == 0 {
				require.Empty(t, events)
				continue
			}
			require.Len(t, events, 1, "one broadcast, one event")
			require.ElementsMatch(t, test.reached, events[0].Conns)
			require.Zero(t, events[0].Conn)
			require.Equal(t, []byte{0, 0, 0, 7, 0, 0, 0, 64, 0, 0, 1}, events[0].Frame)
		}
	}
	require.NoError(t, server.Update(1, endpoint.Update{Leave: []string{"red", "never"}}))
	result, err := server.Broadcast(endpoint.Target{Group: "red"}, echo, one)
	require.NoError(t, err)
	require.Equal(t, 1, result.Queued)
	require.NoError(t, server.CloseConn(2, nil))
	record.await(t, event.ServerClose, 2)
	result, err = server.Broadcast(endpoint.Target{Group: "red"}, echo, one)
	require.NoError(t, err)
	require.Zero(t, result.Queued, "a closed connection is in no group any more")
	result, err = server.Broadcast(endpoint.Target{Conns: []uint64{1, 2, 3, 4}}, echo, one)
	require.NoError(t, err)
	require.Equal(t, endpoint.BroadcastResult{Queued: 3, Skipped: []uint64{2}}, result)
}

// TestBroadcastErrors come before anything goes out.
func TestBroadcastErrors(t *testing.T) {
	server, _ := listen(t)
	client, _ := dial(t, server)
	_, err := client.Broadcast(endpoint.Target{}, echo, one)
	require.ErrorIs(t, err, endpoint.ErrNotServer)
	var invalid *packet.InvalidError
	_, err = server.Broadcast(endpoint.Target{Conns: []uint64{1}, Group: "g"}, echo, one)
	require.ErrorAs(t, err, &invalid)
	_, err = server.Broadcast(endpoint.Target{}, packet.ID(packet.IDClose), one)
	require.ErrorAs(t, err, &invalid)
	_, err = server.Broadcast(endpoint.Target{}, packet.Name("app:nosuch"), one)
	require.ErrorIs(t, err, packet.ErrUnknown)
	_, err = server.Broadcast(endpoint.Target{}, echo, []byte{0xc1})
	require.ErrorIs(t, err, packet.ErrMalformedBody)
}

// TestBroadcastRules: rules are looked at for each connection.
func TestBroadcastRules(t *testing.T) {
	server, record := listen(t, func(opts *endpoint.ServerOptions) {
		opts.Packets = []packet.Type{{Name: "app:echo", Rule: &packet.Rule{State: 64, Mode: ptr(uint32(3))}}}
	})
	in, out := joinRaw(t, server), joinRaw(t, server)
	record.count(t, event.ServerHandshakeComplete, 2)
	playing := record.await(t, event.ServerHandshakeComplete, 1).Conn
	require.NoError(t, server.Update(playing, endpoint.Update{Changes: session.Changes{Mode: ptr(uint32(3))}}))
	result, err := server.Broadcast(endpoint.Target{Conns: []uint64{1, 2}}, echo, one)
	require.NoError(t, err)
	require.Equal(t, endpoint.BroadcastResult{Queued: 1, Skipped: []uint64{2}}, result)
	require.Equal(t, one, in.expect(echoID))
	require.NoError(t, server.CloseConn(2, nil))
	require.Equal(t, "None", out.expectClose())
}

// TestBroadcastToMany: more than 278 clients, again and again, at once and by batches, while each of them sends (defect 2).
func TestBroadcastToMany(t *testing.T) {
	const clients, rounds = manyClients, 10
	server, record := listen(t)
	var peers []*rawPeer
	for range clients {
		peers = append(peers, joinRaw(t, server))
	}
	record.count(t, event.ServerHandshakeComplete, clients)
	var reading sync.WaitGroup
	for _, p := range peers {
		reading.Go(func() {
			for range rounds {
				p.expect(echoID)
				p.send(echoID, one)
			}
		})
	}
	batch := server.Batch()
	for round := range rounds {
		broadcast := server.Broadcast
		if round%2 > 0 {
			broadcast = batch.Broadcast
		}
		result, err := broadcast(endpoint.Target{}, echo, one)
		batch.Flush()
		require.NoError(t, err)
		require.Equal(t, clients, result.Queued)
	}
	reading.Wait()
	record.count(t, event.ServerRecv, clients*(2+rounds))
	for _, p := range peers { // or Stop would wait for each of them to close
		_ = p.Close()
	}
}

// TestBroadcastDuringChurn: while connections come and go, close stays the last event of each (defects 2 and 35).
func TestBroadcastDuringChurn(t *testing.T) {
	const churners, rounds = 4, churnRounds
	server, record := listen(t)
	stay := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	read := discard(stay)
	var churn sync.WaitGroup
	for n := range churners {
		churn.Go(func() {
			for i := range rounds {
				client, err := endpoint.Dial(context.Background(), address(server.Addr()), endpoint.ClientOptions{
					Options: endpoint.Options{Packets: appTypes}, WaitHandshake: true,
				})
				if err != nil {
					panic(fmt.Sprintf("churn %d.%d: %v", n, i, err))
				}
				_ = client.Send(0, echo, one)
				_ = client.Stop()
			}
		})
	}
	over := make(chan struct{})
	var broadcasts sync.WaitGroup
	for n := range 2 {
		broadcasts.Go(func() {
			batch := server.Batch()
			for {
				select {
				case <-over:
					return
				default:
				}
				var err error
				if n == 0 {
					_, err = server.Broadcast(endpoint.Target{}, echo, filler(200))
				} else {
					_, err = batch.Broadcast(endpoint.Target{}, echo, filler(200))
					batch.Flush()
				}
				if err != nil {
					panic(err)
				}
			}
		})
	}
	churn.Wait()
	close(over)
	broadcasts.Wait()
	require.NoError(t, server.CloseConn(1, nil))
	record.count(t, event.ServerClose, churners*rounds+1)
	require.NotZero(t, <-read)
	requireCloseLast(t, record.all())
}

// TestBroadcastHoldsTheClose: a connection that closes between the report of a broadcast and its queueing reports its close
// behind it, and the endpoint does not end before.
func TestBroadcastHoldsTheClose(t *testing.T) {
	t.Parallel()
	sink := newHeld(func(ev event.Event) bool { return len(ev.Conns) > 0 })
	server, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Events = sink })
	p := joinRaw(t, server)
	sink.await(t, event.ServerHandshakeComplete, 1)
	broadcast := make(chan error, 1)
	go func() { broadcast <- second(server.Broadcast(endpoint.Target{}, echo, one)) }()
	<-sink.reached
	_, err := server.Shutdown(t.Context(), endpoint.ShutdownOptions{})
	require.NoError(t, err)
	require.Equal(t, "servershutdown", p.expectClose())
	require.NoError(t, p.Close())
	passes(t, 200*time.Millisecond) // what must not happen needs its time
	select {
	case <-server.Done():
		t.Fatal("the endpoint ended before its last event")
	default:
	}
	require.Empty(t, ofType(sink.all(), event.ServerClose))
	close(sink.let)
	require.NoError(t, <-broadcast)
	<-server.Done()
	require.Len(t, ofType(sink.all(), event.ServerClose), 1)
	requireCloseLast(t, sink.all())
}

// TestUpdate: all that is asked for, or nothing.
func TestUpdate(t *testing.T) {
	server, record := listen(t)
	begun := connectRaw(t, server)
	begun.expect(packet.IDHello)
	var invalid *packet.InvalidError
	require.ErrorIs(t, server.Update(1, endpoint.Update{Changes: session.Changes{State: ptr(uint32(65))}, Join: []string{"g"}}), endpoint.ErrNotActive)
	require.Empty(t, server.Conns(0, 1)[0].Groups)
	joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 2)
	require.ErrorAs(t, server.Update(2, endpoint.Update{Changes: session.Changes{State: ptr(uint32(3)), Mode: ptr(uint32(9))}, Join: []string{"g"}}), &invalid)
	require.ErrorAs(t, server.Update(2, endpoint.Update{Join: []string{""}}), &invalid)
	many := make([]string, endpoint.MaxGroups+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	require.ErrorAs(t, server.Update(2, endpoint.Update{Changes: session.Changes{Mode: ptr(uint32(9))}, Join: many}), &invalid)
	info := server.Conns(1, 1)[0]
	require.Empty(t, info.Groups)
	require.Zero(t, info.View.Mode)
	require.NoError(t, server.Update(2, endpoint.Update{Changes: session.Changes{State: ptr(uint32(65)), Mode: ptr(uint32(9))}, Join: []string{"b", "a"}, Leave: []string{"x"}}))
	info = server.Conns(1, 1)[0]
	require.Equal(t, []string{"a", "b"}, info.Groups)
	require.Equal(t, packet.Conn{State: 65, Mode: 9, Conntype: "classic"}, info.View)
	require.ErrorIs(t, server.Update(3, endpoint.Update{}), endpoint.ErrUnknownConn)
}
