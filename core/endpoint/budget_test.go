package endpoint_test

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

const mib = 1 << 20

// within makes a server share a budget. What it sends stays as large as it is.
func within(b *endpoint.Budget) func(*endpoint.ServerOptions) {
	return func(opts *endpoint.ServerOptions) { opts.Budget, opts.Compression = b, plainOnly() }
}

// freed waits until nothing is held any more.
func freed(tb testing.TB, b *endpoint.Budget) {
	tb.Helper()
	require.Eventually(tb, func() bool { return b.Used() == 0 }, patience, time.Millisecond, "memory that is not taken any more counts no more")
}

// halfFrame is a packet of n bytes whose last byte is missing.
func halfFrame(n int) (almost, last []byte) {
	frame := wire.AppendFrame(nil, echoID, 0, filler(n-wire.LengthSize-wire.HeaderSize))
	return frame[:n-1], frame[n-1:]
}

// TestBudgetUnreadPackets: a peer that does not read while the application goes on sending is closed when its queue is too
// much for the process; one that reads is not.
func TestBudgetUnreadPackets(t *testing.T) {
	budget := endpoint.NewBudget(8 * mib)
	server, record := listen(t, within(budget))
	joinRaw(t, server) // reads nothing more
	record.await(t, event.ServerHandshakeComplete, 1)
	good := joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 2)
	body := filler(mib)
	var err error
	for sent := 0; err == nil; sent++ {
		require.Less(t, sent, 100, "more was taken than fits into the budget and the sockets")
		err = server.Send(1, echo, body)
	}
	require.ErrorIs(t, err, endpoint.ErrUnknownConn)
	closed := record.await(t, event.ServerClose, 1)
	require.Equal(t, session.ReasonOverload, text(closed.Reason))
	require.Contains(t, closed.Detail, "memory budget of 8388608 bytes")
	freed(t, budget)
	good.echoes(server, record, 2)
}

// TestBudgetUnfinishedFrames: of many peers with half-sent packets, at several endpoints, the one with the largest goes,
// and is told why. Those that fit finish theirs.
func TestBudgetUnfinishedFrames(t *testing.T) {
	budget := endpoint.NewBudget(12 * mib)
	one, atOne := listen(t, within(budget))
	other, atOther := listen(t, within(budget))
	large := joinRaw(t, one)
	almost, _ := halfFrame(7 * mib)
	large.write(almost)
	holds := func(n int64) {
		t.Helper()
		require.Eventually(t, func() bool { return budget.Used() == n }, patience, time.Millisecond)
	}
	holds(7 * mib)

	almost, last := halfFrame(3 * mib)
	fitting := []*rawPeer{joinRaw(t, other), joinRaw(t, other)}
	for _, p := range fitting {
		p.write(almost)
	}
	require.Equal(t, session.ReasonOverload, large.expectClose())
	closed := atOne.await(t, event.ServerClose, 1)
	require.Equal(t, session.ReasonOverload, text(closed.Reason))
	require.Contains(t, closed.Detail, "7340032 for an unfinished frame")
	holds(6 * mib)
	for _, p := range fitting {
		p.write(last)
	}
	atOther.count(t, event.ServerRecv, 2*(2+1))
	require.Empty(t, ofType(atOther.all(), event.ServerClose))
	freed(t, budget)
}

// TestBudgetTellsThroughTLS: the reason reaches a peer over TLS as well, where only a writer goroutine can send it.
func TestBudgetTellsThroughTLS(t *testing.T) {
	budget := endpoint.NewBudget(2 * mib)
	known := newIdentity(t)
	server, record := listen(t, within(budget), secured(&tls.Config{Certificates: []tls.Certificate{known.certificate}}))
	nc, err := tls.Dial("tcp", address(server.Addr()), &tls.Config{RootCAs: known.trust})
	require.NoError(t, err)
	p := newRaw(t, nc)
	p.shake()
	almost, _ := halfFrame(3 * mib)
	p.write(almost)
	require.Equal(t, session.ReasonOverload, p.expectClose())
	require.Equal(t, session.ReasonOverload, text(record.await(t, event.ServerClose, 1).Reason))
	freed(t, budget)
}

// TestBudgetClosingConnections: a connection that is closing already, and cannot because its peer does not read, is cut. It
// keeps its reason.
func TestBudgetClosingConnections(t *testing.T) {
	budget := endpoint.NewBudget(24 * mib)
	server, record := listen(t, within(budget))
	joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, server.Send(1, echo, filler(16*mib)))
	require.NotZero(t, budget.Used())
	require.NoError(t, server.CloseConn(1, ptr("enough")))
	budget.CountLog(24 * mib) // leaves connections a quarter
	require.Equal(t, "enough", text(record.await(t, event.ServerClose, 1).Reason))
	budget.CountLog(-24 * mib)
	freed(t, budget)
}

// TestBudgetBroadcast: a packet that waits for many peers is in memory once, and counts once.
func TestBudgetBroadcast(t *testing.T) {
	const peers, packets = 8, 14
	budget := endpoint.NewBudget((packets + 2) * mib)
	server, record := listen(t, within(budget))
	deaf := make([]*rawPeer, peers)
	for i := range deaf {
		deaf[i] = joinRaw(t, server)
	}
	record.count(t, event.ServerHandshakeComplete, peers)
	body := filler(mib)
	for range packets {
		result, err := server.Broadcast(endpoint.Target{}, echo, body)
		require.NoError(t, err)
		require.Equal(t, peers, result.Queued)
	}
	queued := 0
	for _, c := range server.Conns(0, peers) {
		queued += c.Queued
	}
	require.Greater(t, int64(queued), budget.Limit(), "or this test shows nothing")
	require.NotZero(t, budget.Used())
	for _, p := range deaf {
		for range packets {
			p.expect(echoID)
		}
	}
	freed(t, budget)
}

// TestBudgetLogs: logs leave connections less room, but a quarter of the limit in any case: they alone cost no connection.
func TestBudgetLogs(t *testing.T) {
	budget := endpoint.NewBudget(16 * mib)
	server, record := listen(t, within(budget))
	small, large := joinRaw(t, server), joinRaw(t, server)
	record.count(t, event.ServerHandshakeComplete, 2)
	almost, last := halfFrame(mib)
	small.write(almost)
	budget.CountLog(100 * mib)
	more, _ := halfFrame(4 * mib)
	large.write(more)
	require.Equal(t, session.ReasonOverload, large.expectClose())
	require.NoError(t, large.Close())
	small.write(last)
	record.count(t, event.ServerRecv, 2*2+1)
	small.echoes(server, record, 1)
	require.Eventually(t, func() bool { return budget.Used() == 100*mib }, patience, time.Millisecond)
	budget.CountLog(-100 * mib)
	freed(t, budget)
}

// TestBudgetPing: a server cannot fill the memory of a program that pings it.
func TestBudgetPing(t *testing.T) {
	budget := endpoint.NewBudget(mib)
	l := listenRaw(t)
	failed := make(chan error, 1)
	go func() {
		_, err := endpoint.Ping(t.Context(), l.Addr().String(), endpoint.PingOptions{Budget: budget})
		failed <- err
	}()
	nc, err := l.Accept()
	require.NoError(t, err)
	p := newRaw(t, nc)
	p.send(packet.IDHello, packet.AppendHello(nil, "0.2.0"))
	p.expect(packet.IDSettype)
	p.write(append(binary.BigEndian.AppendUint32(nil, 8*mib), make([]byte, 4*mib)...))
	require.Equal(t, session.ReasonOverload, p.expectClose())
	require.NoError(t, p.Close())
	var refused *endpoint.HandshakeError
	require.ErrorAs(t, <-failed, &refused)
	require.Equal(t, session.ReasonOverload, text(refused.Reason))
	freed(t, budget)
}

// TestBudgetChurn sheds while peers come, stall and go, while applications send, and while endpoints stop: a healthy peer
// is never closed, every connection's close is its last event, and nothing stays counted.
func TestBudgetChurn(t *testing.T) {
	budget := endpoint.NewBudget(4 * mib)
	t.Cleanup(func() { require.Zero(t, budget.Used(), "after all endpoints have stopped") })
	steady, atSteady := listen(t, within(budget))
	healthy := joinRaw(t, steady)
	atSteady.await(t, event.ServerHandshakeComplete, 1)
	var busy sync.WaitGroup
	for range churnRounds / 10 {
		server, _ := listen(t, within(budget))
		for range 6 {
			p := joinRaw(t, server)
			p.leaveWhenTold()
			busy.Go(func() {
				almost, last := halfFrame((1 + rand.IntN(3)) * mib)
				p.write(almost)
				p.write(last)
				p.write(almost)
			})
		}
		deaf := joinRaw(t, server)
		busy.Go(func() {
			var err error
			for body := filler(512 << 10); err == nil || errors.Is(err, endpoint.ErrNotActive); {
				err = server.Send(7, echo, body)
			}
			_ = deaf.Close()
		})
		healthy.echoes(steady, atSteady, 1)
		busy.Go(func() {
			if rand.IntN(2) == 0 {
				_ = server.Stop()
			}
		})
	}
	busy.Wait()
	healthy.echoes(steady, atSteady, 1)
	require.Empty(t, ofType(atSteady.all(), event.ServerClose))
	require.Eventually(t, func() bool { return budget.Used() <= budget.Limit() }, patience, time.Millisecond)
}
