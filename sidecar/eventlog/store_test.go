package eventlog_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

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
			told := 0
			l := eventlog.New(eventlog.Options{Expected: "game", OnMemory: func(delta int) { told += delta }})
			for i := 0; l.Stats().BacklogBytes < 10<<20; i++ {
				l.Append(received(1, sizes[i%len(sizes)]))
			}
			stats := l.Stats()
			require.Equal(t, stats.MemoryBytes, told)
			require.GreaterOrEqual(t, int64(stats.MemoryBytes), stats.BacklogBytes)
			require.LessOrEqual(t, int64(stats.MemoryBytes), stats.BacklogBytes*21/10+256<<10)
			c, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
			for l.Stats().BacklogBytes > 0 {
				require.NoError(t, l.Acknowledge("", "game", next(t, c).Last))
			}
			require.LessOrEqual(t, l.Stats().MemoryBytes, 300<<10, "what is acknowledged is freed")
			require.Equal(t, l.Stats().MemoryBytes, told)
			l.Close()
			l.Uncount()
			require.Zero(t, told)
		})
	}
}

func TestMemoryIsNotToldWithEveryEvent(t *testing.T) {
	calls := 0
	l := eventlog.New(eventlog.Options{Expected: "game", OnMemory: func(int) { calls++ }})
	const events = 10_000
	for range events {
		l.Append(received(1, 64))
	}
	require.NotZero(t, calls)
	require.Less(t, calls, events/100)
}

// TestBatchesKeepTheirBytes: what a batch refers to is not used again before it is released, though the log has let go of it.
func TestBatchesKeepTheirBytes(t *testing.T) {
	l := eventlog.New(eventlog.Options{})
	var cursors []*eventlog.Cursor
	for _, name := range []string{"game", "tool"} {
		c, _, err := l.Subscribe(eventlog.Request{Name: name, Mode: eventlog.Acknowledging})
		require.NoError(t, err)
		defer c.Close()
		cursors = append(cursors, c)
	}
	type kept struct {
		eventlog.Batch
		bytes []byte
	}
	var batches []kept
	check := func() {
		for _, k := range batches {
			require.True(t, bytes.Equal(k.bytes, k.Data), "events %d to %d", k.First, k.Last)
		}
	}
	for sequence := uint64(0); sequence < 100_000; {
		events := received(8192, 100) // enough for several full chunks
		for i := range events {
			events[i].Conn = 1 + sequence + uint64(i)
		}
		l.Append(events)
		sequence += uint64(len(events))
		for i, name := range []string{"game", "tool"} {
			for at := uint64(0); at < sequence; {
				b := next(t, cursors[i])
				require.NoError(t, l.Acknowledge("", name, b.Last))
				batches = append(batches, kept{b, bytes.Clone(b.Data)})
				at = b.Last
			}
		}
		for len(batches) > 8 {
			check()
			batches[0].Release()
			batches = batches[1:]
		}
	}
	check()
}

// TestOnlyOwnedBodiesAreKept: the log takes over the memory of a large body that is owned, and copies all other memory, which
// its owner uses again.
func TestOnlyOwnedBodiesAreKept(t *testing.T) {
	for _, size := range []int{1000, 300 << 10} {
		for _, owned := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, owned %v", size, owned), func(t *testing.T) {
				l := eventlog.New(eventlog.Options{})
				body := bytes.Repeat([]byte{7}, size)
				l.Append([]event.Event{{Type: event.ServerRecv, Body: body, Owned: owned}})
				c, _ := subscribe(t, l, eventlog.Request{})
				batch := next(t, c)
				if size > 256<<10 && owned {
					require.Same(t, &body[0], &batch.Body[0])
					return
				}
				clear(body)
				require.Equal(t, bytes.Repeat([]byte{7}, size), decode(t, batch)[0].GetMsgpack())
			})
		}
	}
}
