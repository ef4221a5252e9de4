package eventlog_test

import (
	"context"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// next takes a batch that must be there.
func next(t *testing.T, c *eventlog.Cursor) eventlog.Batch {
	t.Helper()
	batch, err := c.Next(context.Background(), 0)
	require.NoError(t, err)
	return batch
}

// requireNothing checks that the cursor has nothing to hand out now. It belongs into a synctest bubble.
func requireNothing(t *testing.T, c *eventlog.Cursor) {
	t.Helper()
	batch, err := c.Next(context.Background(), time.Nanosecond)
	require.NoError(t, err)
	require.Zero(t, batch.Count)
}

func TestBatchesAreBounded(t *testing.T) {
	l := eventlog.New(eventlog.Options{RingBytes: 8 << 20})
	l.Append(received(5000, 1))
	l.Append(received(20, 100<<10))
	l.Append(received(1, 1<<20))
	l.Append(received(1, 1))
	c, _ := subscribe(t, l, eventlog.Request{})
	var events, largest int
	for events < 5022 {
		batch := next(t, c)
		require.Equal(t, uint64(events)+1, batch.First)
		require.LessOrEqual(t, batch.Count, 1024)
		require.True(t, len(batch.Data) <= 256<<10 || batch.Count == 1, "%d events in %d bytes", batch.Count, len(batch.Data))
		decode(t, batch)
		events += batch.Count
		largest = max(largest, batch.Count)
	}
	require.Equal(t, 1024, largest)
}

func TestAtMostTwoBatchesAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{})
		c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		for sequence := range uint64(2) {
			l.Append(received(1, 10))
			require.Equal(t, sequence+1, next(t, c).Last, "an event on an idle stream goes at once")
		}
		l.Append(received(20, 10))
		requireNothing(t, c)
		require.NoError(t, l.Acknowledge("", "game", 1))
		require.Equal(t, 20, next(t, c).Count, "what came meanwhile goes together")

		l.Append(received(1, 10))
		require.NoError(t, l.Acknowledge("", "game", 12))
		require.Equal(t, uint64(23), next(t, c).Last, "the second is acknowledged, the third only in part")
		l.Append(received(1, 10))
		requireNothing(t, c)
		require.NoError(t, l.Acknowledge("", "game", 21))
		requireNothing(t, c) // a part of a batch gives no credit
		require.NoError(t, l.Acknowledge("", "game", 22))
		require.Equal(t, uint64(24), next(t, c).Last)
	})
}

func TestAnAcknowledgementWakesWhoWaitsForCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{})
		c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		for range 2 {
			l.Append(received(1, 10))
			next(t, c)
		}
		l.Append(received(1, 10))
		got := make(chan eventlog.Batch)
		go func() {
			batch, _ := c.Next(context.Background(), 0)
			got <- batch
		}()
		synctest.Wait()
		require.NoError(t, l.Acknowledge("", "game", 1))
		require.Equal(t, uint64(3), (<-got).Last)
	})
}

func TestAHeartbeatComesWhenNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{})
		c, _ := subscribe(t, l, eventlog.Request{Types: []event.Type{event.ServerClose}})
		l.Append(received(7, 10))
		for range 3 {
			began := time.Now()
			batch, err := c.Next(context.Background(), 5*time.Second)
			require.NoError(t, err)
			require.Equal(t, eventlog.Batch{Last: 7}, batch)
			require.Equal(t, 5*time.Second, time.Since(began))
			require.Equal(t, 1, l.Parked())
		}
		c.Close()
		require.Zero(t, l.Parked())
	})
}

func TestTheContextEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{})
		c, _ := subscribe(t, l, eventlog.Request{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := c.Next(ctx, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		l.Append(received(1, 10))
		require.Equal(t, 1, next(t, c).Count, "the cursor is as good as before")
	})
}

func TestAnObserverThatIsTooSlowFallsOut(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game", RingBytes: 10_000})
	game, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	tail, _ := subscribe(t, l, eventlog.Request{Name: "tail"})
	for range 500 {
		l.Append(received(1, 64))
		require.NoError(t, l.Acknowledge("", "game", next(t, game).Last))
		require.Equal(t, 1, next(t, tail).Count, "a little behind is soon enough")
	}
	for range 500 {
		l.Append(received(1, 64))
		require.NoError(t, l.Acknowledge("", "game", next(t, game).Last))
	}
	oldest := l.Stats().First
	require.Greater(t, oldest, uint64(850))
	require.Less(t, oldest, uint64(950))
	for range 2 {
		_, err := tail.Next(context.Background(), 0)
		require.Equal(t, &eventlog.GoneError{Sequence: 501, Oldest: oldest}, err)
	}
	tail.Close()
	require.Equal(t, uint64(1001), l.Stats().First, "without observers nothing is kept that is acknowledged")
}

func TestAFilteredStreamHasOnlyItsTypes(t *testing.T) {
	l := eventlog.New(eventlog.Options{})
	l.Append(everyType())
	l.Append(received(5000, 64))
	large := event.Event{Type: event.ServerRecv, Body: make([]byte, 300<<10)}
	l.Append([]event.Event{large, {Type: event.ClientRecv, Body: large.Body}, large})
	l.Append(everyType())
	l.Close()
	c, _ := subscribe(t, l, eventlog.Request{Types: []event.Type{event.ServerAccept, event.ClientRecv, event.ClientClose}})
	var sequences []uint64
	for {
		batch, err := c.Next(context.Background(), 0)
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		for _, e := range decode(t, batch) {
			sequences = append(sequences, e.GetSequence())
			require.Contains(t, []pengbridgev1.EventType{
				pengbridgev1.EventType_EVENT_TYPE_SERVER_CONNECTION_ACCEPT, pengbridgev1.EventType_EVENT_TYPE_CLIENT_RECV,
				pengbridgev1.EventType_EVENT_TYPE_CLIENT_CLOSE,
			}, e.GetType())
			if e.GetSequence() == 5022 {
				require.Len(t, e.GetMsgpack(), len(large.Body))
			}
		}
	}
	require.Equal(t, []uint64{7, 18, 20, 5022, 5030, 5041, 5043}, sequences)
}

// An acknowledging subscriber whose events are all filtered out has nothing to acknowledge. The log must not wait for it.
func TestAFilterNeverStallsTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{BacklogEvents: 100})
		c, _ := subscribe(t, l, eventlog.Request{
			Name: "game", Mode: eventlog.Acknowledging, Types: []event.Type{event.ServerAccept},
		})
		l.Append([]event.Event{{Type: event.ServerAccept, Conn: 1}})
		require.Equal(t, uint64(1), next(t, c).Last)
		l.Append(received(500, 10))
		requireNothing(t, c)
		require.Equal(t, uint64(501), l.Stats().BacklogEvents, "the first may still be handled")
		require.NoError(t, l.Acknowledge("", "game", 1))
		require.Zero(t, l.Stats().BacklogEvents)

		l.Append(received(500, 10))
		require.False(t, l.TryEnter())
		requireNothing(t, c)
		require.Zero(t, l.Stats().BacklogEvents, "nothing is under way, so nothing is waited for")
		require.True(t, l.TryEnter())
		require.Equal(t, uint64(1002), l.Stats().First)
	})
}

// A cursor filters without holding the log's lock. What it finds then is nobody's any more if somebody took over.
func TestTakingOverInTheMiddleOfFiltering(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	l.Append(received(200_000, 1))
	r := eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Types: []event.Type{event.ServerClose}}
	acknowledged := func() uint64 { return l.Stats().Subscribers[0].Acknowledged }
	for acknowledged() < 200_000 {
		began := acknowledged()
		older, _ := subscribe(t, l, r)
		ended := make(chan error)
		go func() {
			_, err := older.Next(context.Background(), 0)
			ended <- err
		}()
		for acknowledged() == began {
			runtime.Gosched()
		}
		_, header := subscribe(t, l, r)
		require.ErrorIs(t, <-ended, eventlog.ErrTakenOver)
		require.Equal(t, header.Next-1, acknowledged(), "the older cursor has no say any more")
	}
}
