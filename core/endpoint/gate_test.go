package endpoint_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

func gated(t *testing.T, l endpoint.Limits) (*endpoint.Server, *valve) {
	v := newValve()
	server, _ := listen(t, limits(l), func(opts *endpoint.ServerOptions) { opts.Events = v })
	return server, v
}

// TestGateHoldsReading: while the gate is shut nothing is read, peers stall, and nothing is lost.
func TestGateHoldsReading(t *testing.T) {
	server, v := gated(t, endpoint.Limits{})
	busy, silent := joinRaw(t, server), joinRaw(t, server)
	v.count(t, event.ServerHandshakeComplete, 2)
	v.settled(t, 0)
	v.shut()
	v.settled(t, 0) // a reader that came in before it was shut may still read
	body := filler(64 << 10)
	wrote := make(chan struct{})
	const packets = 400
	go func() {
		defer close(wrote)
		for range packets {
			busy.send(echoID, body)
		}
	}()
	v.settled(t, 1) // the silent one does not wait
	before := len(v.all())
	received := server.Stats().PacketsReceived
	v.shutFor(t, 100*time.Millisecond)
	select {
	case <-wrote:
		t.Fatal("the peer was not slowed down")
	default:
	}
	require.Len(t, v.all(), before)
	require.Equal(t, received, server.Stats().PacketsReceived)
	require.NoError(t, server.Send(2, echo, one), "sending does not wait for the gate")
	require.Equal(t, one, silent.expect(echoID))
	v.reopen()
	<-wrote
	v.count(t, event.ServerRecv, 2*2+packets)
	v.settled(t, 0)
}

// shutsAtPacket is a gate that shuts while a packet of the application is being handled.
type shutsAtPacket struct{ *valve }

func (s shutsAtPacket) Append(events []event.Event) {
	for _, ev := range events {
		if ev.Type == event.ServerRecv && ev.PacketID == echoID {
			s.shut()
		}
	}
	s.valve.Append(events)
}

// TestSilentPeersDoNotQueue: a reader that comes back to a gate that was shut meanwhile, and finds nothing to read, neither
// takes a place in line nor holds one when the gate opens.
func TestSilentPeersDoNotQueue(t *testing.T) {
	v := shutsAtPacket{newValve()}
	server, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Events = v })
	p := joinRaw(t, server)
	v.count(t, event.ServerHandshakeComplete, 1)
	p.send(echoID, one)
	v.count(t, event.ServerRecv, 3)
	v.settled(t, 0)
	v.shutFor(t, 50*time.Millisecond) // time enough to queue
	v.settled(t, 0)
	p.send(echoID, one)
	v.settled(t, 1)
	require.Len(t, ofType(v.all(), event.ServerRecv), 3)
	v.reopen()
	v.count(t, event.ServerRecv, 4)
}

// TestGatePlaces: however a connection ends, it gives its place at the gate back.
func TestGatePlaces(t *testing.T) {
	server, v := gated(t, endpoint.Limits{})
	for i, end := range []func(p *rawPeer){
		func(p *rawPeer) { _ = p.Close() },
		func(p *rawPeer) { p.send(packet.IDClose, packet.AppendClose(nil, nil)) },
		func(p *rawPeer) { p.write([]byte{0, 0, 0, 0, 1, 2, 3}) },
		func(p *rawPeer) { reset(t, p) },
		func(p *rawPeer) { require.NoError(t, server.CloseConn(4+1, nil)) },
	} {
		p := joinRaw(t, server)
		v.count(t, event.ServerHandshakeComplete, i+1)
		end(p)
		v.count(t, event.ServerClose, i+1)
		_ = p.Close()
	}
	v.settled(t, 0)
}

// TestTimersStandStill: while the gate is shut, nobody is judged for a silence that is ours.
func TestTimersStandStill(t *testing.T) {
	t.Parallel()
	const short = 80 * time.Millisecond
	server, v := gated(t, endpoint.Limits{HandshakeTimeout: 15 * short, IdleTimeout: short, FrameStallTimeout: short})
	idle, stalled := joinRaw(t, server), joinRaw(t, server)
	v.count(t, event.ServerHandshakeComplete, 2)
	stalled.write([]byte{0, 0, 0})
	v.shut()
	connectRaw(t, server)
	v.count(t, event.ServerAccept, 3)
	before := len(ofType(v.all(), event.ServerClose))
	v.shutFor(t, 20*short)
	require.Len(t, ofType(v.all(), event.ServerClose), before)
	v.reopen()
	require.Equal(t, "idletimeout", idle.expectClose())
	require.Contains(t, []string{"frametimeout", "idletimeout"}, stalled.expectClose())
	require.Equal(t, "handshaketimeout", text(v.await(t, event.ServerClose, 3).Reason))
}

// TestEndsWithShutGate: closing and stopping wait for no subscriber.
func TestEndsWithShutGate(t *testing.T) {
	t.Parallel()
	server, v := gated(t, endpoint.Limits{})
	closed, stopped := joinRaw(t, server), joinRaw(t, server)
	v.count(t, event.ServerHandshakeComplete, 2)
	v.shut()
	v.settled(t, 0) // a reader that came in before it was shut may still read
	closed.send(echoID, one)
	stopped.send(echoID, one)
	v.settled(t, 2)
	require.NoError(t, server.CloseConn(1, ptr("enough")))
	require.Equal(t, "enough", closed.expectClose())
	require.NoError(t, closed.Close())
	v.await(t, event.ServerClose, 1)
	told := make(chan string, 1)
	go func() {
		told <- stopped.expectClose()
		_ = stopped.Close()
	}()
	require.NoError(t, server.Stop())
	require.Equal(t, "servershutdown", <-told)
	v.await(t, event.ServerStop, 0)
	inside, line := v.counts()
	require.Zero(t, inside)
	require.Zero(t, line)
}

// TestFullLog: a send that could not be recorded is refused and does not go out; one that is not recorded goes out.
func TestFullLog(t *testing.T) {
	server, v := gated(t, endpoint.Limits{})
	p := joinRaw(t, server)
	v.count(t, event.ServerHandshakeComplete, 1)
	v.setFull(true)
	require.ErrorIs(t, server.Send(1, echo, one), endpoint.ErrLogFull)
	_, err := server.Broadcast(endpoint.Target{}, echo, one)
	require.ErrorIs(t, err, endpoint.ErrLogFull)
	require.EqualValues(t, 2, server.Stats().LogFull)
	v.setFull(false)
	require.NoError(t, server.Send(1, echo, []byte{2}))
	require.Equal(t, []byte{2}, p.expect(echoID), "the refused ones did not go out")

	server, _ = listen(t, func(opts *endpoint.ServerOptions) {
		full := newValve()
		full.setFull(true)
		opts.Events = full
		opts.Omit = func(typ event.Type) bool { return typ == event.ServerSend }
	})
	p = joinRaw(t, server)
	require.Eventually(t, func() bool { return server.Send(1, echo, one) == nil }, patience, time.Millisecond)
	require.Equal(t, one, p.expect(echoID))
}

// fillsUp is a gate that is full once a broadcast was recorded.
type fillsUp struct{ *valve }

func (f fillsUp) Append(events []event.Event) {
	f.valve.Append(events)
	for _, ev := range events {
		if len(ev.Conns) > 0 {
			f.setFull(true)
		}
	}
}

// TestBroadcastFillsTheLog: a broadcast that was reported goes out to everyone it named, even if it was the last that the
// log had room for.
func TestBroadcastFillsTheLog(t *testing.T) {
	v := fillsUp{newValve()}
	server, _ := listen(t, func(opts *endpoint.ServerOptions) { opts.Events = v })
	a, b := joinRaw(t, server), joinRaw(t, server)
	v.count(t, event.ServerHandshakeComplete, 2)
	result, err := server.Broadcast(endpoint.Target{}, echo, one)
	require.NoError(t, err)
	require.Equal(t, 2, result.Queued)
	require.Equal(t, one, a.expect(echoID))
	require.Equal(t, one, b.expect(echoID))
	_, err = server.Broadcast(endpoint.Target{}, echo, one)
	require.ErrorIs(t, err, endpoint.ErrLogFull)
}
