package eventlog_test

import (
	"context"
	"fmt"
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

// subscribe opens a cursor that is closed with the test.
func subscribe(t *testing.T, l *eventlog.Log, r eventlog.Request) (*eventlog.Cursor, eventlog.Header) {
	t.Helper()
	c, header, err := l.Subscribe(r)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, header
}

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
		require.NoError(t, l.Acknowledge("game", 1))
		require.Equal(t, 20, next(t, c).Count, "what came meanwhile goes together")

		l.Append(received(1, 10))
		require.NoError(t, l.Acknowledge("game", 12))
		require.Equal(t, uint64(23), next(t, c).Last, "the second is acknowledged, the third only in part")
		l.Append(received(1, 10))
		requireNothing(t, c)
		require.NoError(t, l.Acknowledge("game", 21))
		requireNothing(t, c) // a part of a batch gives no credit
		require.NoError(t, l.Acknowledge("game", 22))
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
		require.NoError(t, l.Acknowledge("game", 1))
		require.Equal(t, uint64(3), (<-got).Last)
	})
}

func TestADurableSubscriberResumes(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	l.Append(received(10, 10))
	first, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.Equal(t, eventlog.Header{First: 1, Last: 10, Next: 1}, header)
	next(t, first)
	require.NoError(t, l.Acknowledge("game", 4))
	require.NoError(t, l.Acknowledge("game", 2), "going backwards is passed over")
	first.Close()

	second, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.Equal(t, eventlog.Header{First: 5, Last: 10, Next: 5}, header, "behind the last acknowledged")
	require.Equal(t, uint64(5), next(t, second).First)
	second.Close()

	_, header = subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, From: 9})
	require.Equal(t, uint64(9), header.Next)
	require.Equal(t, uint64(8), l.Stats().Subscribers[0].Acknowledged, "what is before it is acknowledged thereby")

	_, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, From: 8})
	require.Equal(t, &eventlog.GoneError{Sequence: 8, Oldest: 9}, err)
	_, _, err = l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, From: 12})
	require.Equal(t, &eventlog.RangeError{Sequence: 12, Oldest: 9, Limit: 11}, err)
	_, _, err = l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Durable})
	require.ErrorIs(t, err, eventlog.ErrOtherMode)
}

func TestWhatIsWrittenCountsAsAcknowledgedWithoutAcknowledgements(t *testing.T) {
	l := eventlog.New(eventlog.Options{RingBytes: 500, BacklogEvents: 100})
	c, _ := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
	l.Append(received(100, 64))
	require.False(t, l.TryEnter())
	for range 4 { // there is no limit on batches under way, as nobody would end it
		l.Append(received(1, 64))
		batch := next(t, c)
		c.Sent(batch)
	}
	require.Zero(t, l.Stats().BacklogEvents)
	require.True(t, l.TryEnter())
	c.Close()

	first := l.Stats().First
	require.Greater(t, first, uint64(90))
	require.Less(t, first, uint64(104), "a window is kept for resuming")
	again, header := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable, From: first})
	require.Equal(t, first, header.Next)
	require.Equal(t, first, next(t, again).First)
	_, _, err := l.Subscribe(eventlog.Request{Name: "bot", Mode: eventlog.Durable, From: first - 1})
	require.Equal(t, &eventlog.GoneError{Sequence: first - 1, Oldest: first}, err)
}

func TestTakingOverEndsTheOlderCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{Grace: time.Second})
		older, _ := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
		ended := make(chan error)
		go func() {
			_, err := older.Next(context.Background(), 0)
			ended <- err
		}()
		synctest.Wait()
		newer, _ := subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
		require.ErrorIs(t, <-ended, eventlog.ErrTakenOver)

		l.Append(received(3, 10))
		batch := next(t, newer)
		older.Sent(batch)
		require.Zero(t, l.Stats().Subscribers[0].Acknowledged, "the older stream has no say any more")
		older.Close()
		time.Sleep(time.Minute)
		require.True(t, l.Stats().Subscribers[0].Connected, "nor does its end make the subscriber absent")
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

func TestASubscriberThatStaysAwayIsLostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := make(chan string, 10)
		l := eventlog.New(eventlog.Options{
			Expected: "game", RingBytes: 1000, OnLost: func(name string) { lost <- name },
		})
		l.Append(received(100, 64))
		time.Sleep(29 * time.Second)
		c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		next(t, c)
		require.NoError(t, l.Acknowledge("game", 30))
		time.Sleep(time.Hour)
		c.Close()
		time.Sleep(29 * time.Second)
		require.Empty(t, lost)
		require.Equal(t, uint64(31), l.Stats().First)

		time.Sleep(time.Second)
		require.Equal(t, "game", <-lost)
		require.Empty(t, l.Stats().Subscribers)
		require.Greater(t, l.Stats().First, uint64(80), "what is left is a ring")
		require.ErrorIs(t, l.Acknowledge("game", 40), eventlog.ErrUnknownSubscriber)

		_, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		require.Equal(t, &eventlog.GoneError{Sequence: 31, Oldest: l.Stats().First}, err, "loss is never silent")
		_, header := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Durable})
		require.Equal(t, header.First, header.Next, "who was told comes as somebody new")
		time.Sleep(time.Hour)
		require.Empty(t, lost)
	})
}

// The grace clock may run out while the subscriber is coming in. Whoever is in stays in.
func TestComingBackInTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{Grace: time.Minute})
		for range 100 {
			c, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Durable})
			require.NoError(t, err)
			synctest.Wait()
			require.Len(t, l.Stats().Subscribers, 1)
			c.Close()
			time.Sleep(time.Minute)
		}
	})
}

func TestTheLostAreForgottenInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{RingBytes: 1})
		for i := range 65 {
			c, _, err := l.Subscribe(eventlog.Request{Name: fmt.Sprint(i), Mode: eventlog.Durable})
			require.NoError(t, err)
			c.Close()
			time.Sleep(time.Minute)
		}
		l.Append(received(10, 10))
		_, _, err := l.Subscribe(eventlog.Request{Name: "1", Mode: eventlog.Durable})
		require.Equal(t, &eventlog.GoneError{Sequence: 1, Oldest: 10}, err, "one of the last 64")
		_, header := subscribe(t, l, eventlog.Request{Name: "0", Mode: eventlog.Durable})
		require.Equal(t, uint64(10), header.Next)
	})
}

func TestAfterCloseTheRestIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{
			Expected: "game", OnLost: func(string) { t.Error("the endpoint has ended; nobody needs to know") },
		})
		c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		subscribe(t, l, eventlog.Request{Name: "bot", Mode: eventlog.Durable})
		l.Append(received(2, 10))
		next(t, c)
		waiting := make(chan error)
		go func() {
			_, err := c.Next(context.Background(), 0)
			waiting <- err
		}()
		synctest.Wait()
		l.Close()
		require.ErrorIs(t, <-waiting, io.EOF)
		l.Append(received(1, 10))
		require.Equal(t, uint64(2), l.Stats().Last, "nothing comes behind the last event")
		c.Close()

		again, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
		require.Equal(t, 2, next(t, again).Count)
		require.NoError(t, l.Acknowledge("game", 2))
		select {
		case <-l.Drained():
			t.Fatal("the bot has read nothing")
		default:
		}
		_, err := again.Next(context.Background(), 0)
		require.ErrorIs(t, err, io.EOF)
	})
}

func TestWhoStaysAwayAfterCloseIsNotWaitedForLongerThanTheGraceTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := eventlog.New(eventlog.Options{Expected: "game", Grace: time.Minute})
		l.Append(received(1, 10))
		l.Close()
		began := time.Now()
		<-l.Drained()
		require.Equal(t, time.Minute, time.Since(began))
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
		require.NoError(t, l.Acknowledge("game", next(t, game).Last))
		require.Equal(t, 1, next(t, tail).Count, "a little behind is soon enough")
	}
	for range 500 {
		l.Append(received(1, 64))
		require.NoError(t, l.Acknowledge("game", next(t, game).Last))
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
	l.Append(everyType())
	l.Close()
	c, _ := subscribe(t, l, eventlog.Request{Types: []event.Type{event.ServerAccept, event.ClientClose}})
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
				pengbridgev1.EventType_EVENT_TYPE_SERVER_CONNECTION_ACCEPT, pengbridgev1.EventType_EVENT_TYPE_CLIENT_CLOSE,
			}, e.GetType())
		}
	}
	require.Equal(t, []uint64{7, 20, 5027, 5040}, sequences)
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
		require.NoError(t, l.Acknowledge("game", 1))
		require.Zero(t, l.Stats().BacklogEvents)

		l.Append(received(500, 10))
		require.False(t, l.TryEnter())
		requireNothing(t, c)
		require.Zero(t, l.Stats().BacklogEvents, "nothing is under way, so nothing is waited for")
		require.True(t, l.TryEnter())
		require.Equal(t, uint64(1002), l.Stats().First)
	})
}

func TestAnIdleLogIsCheap(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	require.Zero(t, l.Stats().MemoryBytes)
	l.Append(everyType()[:3])
	require.LessOrEqual(t, l.Stats().MemoryBytes, 5<<10)
}

func TestMemoryIsAtMostAboutTwiceWhatIsHeld(t *testing.T) {
	tests := map[string][]int{
		"small events":               {1},
		"small and large ones":       {1, 300 << 10},
		"not quite half a chunk":     {130 << 10},
		"growing":                    {1, 10, 100, 1000, 10_000, 100_000, 1_000_000},
		"one that leaves much empty": {200 << 10, 70 << 10},
	}
	for name, sizes := range tests {
		t.Run(name, func(t *testing.T) {
			l := eventlog.New(eventlog.Options{Expected: "game"})
			for i := 0; l.Stats().BacklogBytes < 10<<20; i++ {
				l.Append(received(1, sizes[i%len(sizes)]))
			}
			stats := l.Stats()
			require.GreaterOrEqual(t, int64(stats.MemoryBytes), stats.BacklogBytes)
			require.LessOrEqual(t, int64(stats.MemoryBytes), stats.BacklogBytes*21/10+256<<10)
			c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
			for l.Stats().BacklogBytes > 0 {
				require.NoError(t, l.Acknowledge("game", next(t, c).Last))
			}
			require.LessOrEqual(t, l.Stats().MemoryBytes, 300<<10, "what is acknowledged is freed")
		})
	}
}
