package eventlog_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// patience bounds a wait in real time. It is long, because the machine may be busy.
const patience = 30 * time.Second

// TestEverybodyAtOnce has connections that append through a gate which is often closed, and subscribers of all kinds that
// come and go, and checks that each gets what it was promised.
func TestEverybodyAtOnce(t *testing.T) {
	const (
		connections = 8
		events      = 4000 // of each connection
	)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l := eventlog.New(eventlog.Options{BacklogBytes: 256 << 10, RingBytes: 64 << 10, Expected: "acknowledging"})

	paused := make(chan struct{}) // closed once the writers have met a full log, which fast readers might never let happen
	var readers sync.WaitGroup
	for _, r := range []eventlog.Request{
		{Name: "acknowledging", Mode: eventlog.Acknowledging},
		{Name: "steady", Mode: eventlog.Acknowledging},
		{Name: "durable", Mode: eventlog.Durable},
		{Name: "filtered", Mode: eventlog.Acknowledging, Types: []event.Type{event.ServerSend}},
		{Name: "observer"},
	} {
		c, _, err := l.Subscribe(r)
		require.NoError(t, err)
		readers.Go(func() {
			<-paused
			check := follower{T: t, log: l, request: r, cursor: c, counters: map[uint64]uint32{}}
			check.follow(ctx)
			if r.Mode != eventlog.Observer && r.Types == nil && check.last != connections*events {
				t.Errorf("%s got %d events", r.Name, check.last)
			}
		})
	}

	var writers sync.WaitGroup
	for conn := range uint64(connections) {
		writers.Go(func() {
			for next := uint32(0); next < events; {
				batch := make([]event.Event, min(1+rand.N[uint32](100), events-next))
				for i := range batch {
					next++
					batch[i] = event.Event{
						Type: event.ServerRecv, Conn: conn + 1, PacketID: next, Body: make([]byte, 1+rand.N(200)),
					}
					if next%10 == 0 {
						batch[i].Type = event.ServerSend
					}
				}
				if !l.Enter(ctx.Done()) {
					t.Error("nobody makes room")
					return
				}
				l.Append(batch)
				l.Leave()
			}
		})
	}
	require.Eventually(t, func() bool { return l.Stats().Pauses > 0 }, patience, time.Millisecond)
	close(paused)
	writers.Wait()
	l.Close()
	readers.Wait()
	select {
	case <-l.Drained():
	case <-ctx.Done():
		t.Fatal("not drained")
	}
	require.Zero(t, l.Stats().BacklogBytes)
}

// follower reads a log to its end, as one subscriber with many cursors.
type follower struct {
	*testing.T
	log      *eventlog.Log
	request  eventlog.Request
	cursor   *eventlog.Cursor
	last     uint64            // sequence
	counters map[uint64]uint32 // by connection: the last one seen
}

func (f *follower) follow(ctx context.Context) {
	for {
		batch, err := f.cursor.Next(ctx, 0)
		var gone *eventlog.GoneError
		switch {
		case errors.Is(err, io.EOF):
			f.cursor.Close()
			return
		case errors.As(err, &gone) && f.request.Mode == eventlog.Observer:
			f.last = gone.Oldest - 1
			f.resubscribe(f.last + 1)
			continue
		case err != nil:
			f.Errorf("%s: %v", f.request.Name, err)
			f.cursor.Close()
			return
		}
		f.check(batch)
		f.cursor.Sent(batch) // counts for the durable one only
		if f.request.Mode == eventlog.Acknowledging {
			if err := f.log.Acknowledge("", f.request.Name, batch.Last); err != nil {
				f.Errorf("%s: %v", f.request.Name, err)
			}
		}
		if f.request.Name != "steady" && rand.N(20) == 0 {
			f.resubscribe(0)
		}
	}
}

// check requires the batch to go on where the last one ended, in the order in which each connection appended.
func (f *follower) check(batch eventlog.Batch) {
	if f.request.Types == nil && f.last > 0 && batch.First != f.last+1 && f.request.Mode != eventlog.Observer {
		f.Errorf("%s: %d follows %d", f.request.Name, batch.First, f.last)
	}
	for _, e := range decode(f, batch) {
		if e.GetSequence() <= f.last {
			f.Errorf("%s: %d comes behind %d", f.request.Name, e.GetSequence(), f.last)
		}
		f.last = e.GetSequence()
		if e.GetPacketId() <= f.counters[e.GetConnectionId()] {
			f.Errorf("%s: connection %d is out of order", f.request.Name, e.GetConnectionId())
		}
		f.counters[e.GetConnectionId()] = e.GetPacketId()
	}
}

// resubscribe breaks off and comes back, sometimes before the old cursor is closed.
func (f *follower) resubscribe(from uint64) {
	old := f.cursor
	if rand.N(2) == 0 {
		old.Close()
	}
	r := f.request
	r.From = from
	if r.Mode == eventlog.Observer && from == 0 {
		r.From = f.last + 1
	}
	c, _, err := f.log.Subscribe(r)
	var gone *eventlog.GoneError
	for errors.As(err, &gone) && r.Mode == eventlog.Observer {
		f.last = gone.Oldest - 1
		r.From = gone.Oldest
		c, _, err = f.log.Subscribe(r)
	}
	if err != nil {
		f.Errorf("%s: %v", r.Name, err)
		return
	}
	f.cursor = c
	old.Close()
}
