package eventlog_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

const grant = 64 << 10

// sized returns one event that takes exactly n bytes of a log, which must be more than 16 KiB; its sequence below 128.
func sized(n int) []event.Event {
	const around = 1 + 3 + 2 + 2 + 1 + 3 // tag and length of the entry, sequence, type, tag and length of the body
	return []event.Event{{Type: event.ServerRecv, Body: make([]byte, n-around)}}
}

// gated returns a log that has a connected acknowledging subscriber and takes four reads.
func gated(t *testing.T, options eventlog.Options) (*eventlog.Log, *eventlog.Cursor) {
	options.BacklogBytes = 4 * grant
	l := eventlog.New(options)
	c, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return l, c
}

// read is what an endpoint does around a read that brings n bytes of events.
func read(t *testing.T, l *eventlog.Log, n int) {
	t.Helper()
	require.True(t, l.TryEnter())
	l.Append(sized(n))
	l.Leave()
}

// acknowledge acknowledges the next n events, taking batches as needed.
func acknowledge(t *testing.T, l *eventlog.Log, c *eventlog.Cursor, n uint64) {
	t.Helper()
	last := l.Stats().Subscribers[0].Acknowledged + n
	for sent := l.Stats().Subscribers[0].Sent; sent < last; {
		sent = next(t, c).Last
		require.NoError(t, l.Acknowledge("", "game", min(sent, last)))
	}
	require.NoError(t, l.Acknowledge("", "game", last))
}

func TestTheGateClosesAtTheLimitAndOpensAtHalf(t *testing.T) {
	l, c := gated(t, eventlog.Options{})
	for range 4 {
		read(t, l, grant)
	}
	require.True(t, l.Stats().Closed)
	require.False(t, l.TryEnter())
	require.True(t, l.Full())

	acknowledge(t, l, c, 1)
	require.False(t, l.TryEnter(), "three quarters are too much")
	acknowledge(t, l, c, 1)
	require.Equal(t, int64(2*grant), l.Stats().BacklogBytes)
	require.False(t, l.Stats().Closed)
	require.False(t, l.Full())
	read(t, l, grant)
}

func TestTheGateClosesAtTheLimitOfEvents(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game", BacklogEvents: 10})
	l.Append(received(9, 10))
	require.True(t, l.TryEnter())
	require.False(t, l.Full())
	l.Append(received(1, 10))
	l.Leave()
	require.False(t, l.TryEnter())
	require.True(t, l.Full())
}

func TestReadersInsideCountAgainstTheLimit(t *testing.T) {
	l, _ := gated(t, eventlog.Options{})
	for range 4 {
		require.True(t, l.TryEnter())
	}
	require.False(t, l.TryEnter(), "a fifth read would not fit if all of them bring what they may")
	require.False(t, l.Stats().Closed, "nothing is paused: the four are about to leave")
	l.Leave()
	require.True(t, l.TryEnter())
}

func TestAppendIsNeverRefused(t *testing.T) {
	l, _ := gated(t, eventlog.Options{})
	for range 50 {
		l.Append(sized(grant))
	}
	require.Equal(t, uint64(50), l.Stats().Last)
	require.Equal(t, int64(50*grant), l.Stats().BacklogBytes)
}

func TestWithoutADurableSubscriberTheGateNeverCloses(t *testing.T) {
	l := eventlog.New(eventlog.Options{BacklogBytes: 1000, BacklogEvents: 1, RingBytes: 3 * grant})
	c, _, err := l.Subscribe(eventlog.Request{Name: "tail"})
	require.NoError(t, err)
	defer c.Close()
	for range 20 {
		require.True(t, l.TryEnter()) // and nobody leaves
		l.Append(sized(grant))
	}
	require.False(t, l.Full())
	require.Zero(t, l.Paused())
	require.Equal(t, uint64(18), l.Stats().First)
}

func TestWaitingReadersPassInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := gated(t, eventlog.Options{})
		for range 4 {
			read(t, l, grant)
		}
		const readers = 20
		admitted := make(chan int, readers)
		leave := make(chan struct{})
		for i := range readers {
			go func() {
				if l.Enter(nil) {
					admitted <- i
					<-leave
					l.Leave()
				}
			}()
			synctest.Wait() // i stands in line
		}
		require.Empty(t, admitted)
		acknowledge(t, l, c, 2)
		synctest.Wait()
		require.Len(t, admitted, 2, "half is free, and each may bring a grant")
		require.ElementsMatch(t, []int{0, 1}, []int{<-admitted, <-admitted})
		require.False(t, l.TryEnter(), "nobody passes by the line")
		for i := range readers - 2 {
			leave <- struct{}{}
			require.Equal(t, i+2, <-admitted)
		}
		close(leave)
		synctest.Wait()
		require.True(t, l.TryEnter(), "the line is empty again")
	})
}

func TestWhoGivesUpLeavesTheLineAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := gated(t, eventlog.Options{})
		for range 4 {
			read(t, l, grant)
		}
		gone := make(chan struct{})
		result := make(chan bool, 1)
		go func() { result <- l.Enter(gone) }()
		synctest.Wait()
		behind := make(chan bool, 1)
		go func() { behind <- l.Enter(nil) }()
		synctest.Wait()

		close(gone)
		require.False(t, <-result)
		synctest.Wait()
		require.Empty(t, behind)
		acknowledge(t, l, c, 4)
		require.True(t, <-behind)
		for range 3 {
			require.True(t, l.TryEnter(), "no grant was lost")
		}
	})
}

func TestALostSubscriberOpensTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := gated(t, eventlog.Options{Grace: time.Minute})
		for range 4 {
			read(t, l, grant)
		}
		c.Close()
		require.True(t, l.Enter(nil))
		l.Leave()
		require.Equal(t, time.Minute, l.Paused())
	})
}

func TestPausedCountsTheTimeTheGateIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan bool, 10)
		l, c := gated(t, eventlog.Options{OnPause: func(paused bool) { told <- paused }})
		time.Sleep(time.Hour)
		require.Zero(t, l.Paused())
		for i := range 2 {
			for !l.Stats().Closed {
				l.Append(sized(grant))
			}
			require.True(t, <-told)
			time.Sleep(3 * time.Second)
			require.Equal(t, time.Duration(6*i+3)*time.Second, l.Paused(), "now included")
			time.Sleep(3 * time.Second)
			for l.Stats().Closed {
				acknowledge(t, l, c, 1)
			}
			require.False(t, <-told)
			time.Sleep(time.Hour)
			require.Equal(t, time.Duration(6*i+6)*time.Second, l.Paused())
		}
		require.Equal(t, uint64(2), l.Stats().Pauses)
		require.Empty(t, told)
	})
}

func TestPausesAreToldInOrder(t *testing.T) {
	paused := false
	l := eventlog.New(eventlog.Options{BacklogEvents: 2, OnPause: func(now bool) {
		if now == paused {
			t.Errorf("told %t twice", now)
		}
		paused = now
	}})
	c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	var appenders sync.WaitGroup
	for range 4 {
		appenders.Go(func() {
			for range 2000 {
				l.Append(received(1, 10))
			}
		})
	}
	for seen := 0; seen < 4*2000; {
		batch := next(t, c)
		require.NoError(t, l.Acknowledge("", "game", batch.Last))
		seen += batch.Count
	}
	appenders.Wait()
	require.False(t, paused, "what was told last is how it is")
}

// TestTheBacklogStaysWithinTheLimit has many more readers than fit, each bringing all it may.
func TestTheBacklogStaysWithinTheLimit(t *testing.T) {
	const readers, reads = 50, 20
	l := eventlog.New(eventlog.Options{BacklogBytes: 10 * grant})
	c, _, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.NoError(t, err)
	defer c.Close()

	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for range reads {
				if !l.Enter(nil) {
					t.Error("a reader that did not give up was turned away")
				}
				l.Append(received(1, grant-100))
				if backlog := l.Stats().BacklogBytes; backlog > 10*grant {
					t.Errorf("backlog of %d bytes", backlog)
				}
				l.Leave()
			}
		})
	}
	// A fast subscriber might never let the log get full.
	require.Eventually(t, func() bool { return l.Stats().Pauses > 0 }, patience, time.Millisecond)
	for seen := 0; seen < readers*reads; {
		batch, err := c.Next(context.Background(), 0)
		require.NoError(t, err)
		require.LessOrEqual(t, l.Stats().MemoryBytes, 3*10*grant)
		require.NoError(t, l.Acknowledge("", "game", batch.Last))
		seen += batch.Count
	}
	all.Wait()
}

func BenchmarkGate(b *testing.B) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	b.ReportAllocs()
	for b.Loop() {
		l.TryEnter()
		l.Leave()
	}
}
