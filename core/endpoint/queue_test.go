package endpoint

import (
	"bytes"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQueue writes and takes at random: the bytes come out as they went in, and the size is always what is left.
func TestQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	q := sendQueue{budget: NewBudget(1)}
	var in, out bytes.Buffer
	for range 20_000 {
		if random.IntN(3) > 0 {
			n := 1 + random.IntN(200)
			if random.IntN(20) == 0 {
				n = maxCopied + random.IntN(chunkSize)
			}
			p := make([]byte, n)
			for i := range p {
				p[i] = byte(random.Uint32())
			}
			in.Write(p)
			q.push(ownedFrame(p))
		}
		if !q.empty() && random.IntN(3) == 0 {
			c := q.take()
			n := random.IntN(len(c.bytes) + 1)
			out.Write(c.bytes[:n])
			q.written(n)
			if n < len(c.bytes) {
				q.putBack(c, n)
			} else {
				q.release(c)
			}
		}
		require.Equal(t, in.Len()-out.Len(), q.size)
		require.Equal(t, q.budget.Used(), q.memory.Load())
		require.GreaterOrEqual(t, q.memory.Load(), int64(q.size))
	}
	for !q.empty() {
		c := q.take()
		out.Write(c.bytes)
		q.written(len(c.bytes))
		q.release(c)
	}
	require.True(t, bytes.Equal(in.Bytes(), out.Bytes()))
	require.Zero(t, q.size)
	require.Zero(t, q.budget.Used())
}

// TestQueueDropsWhatIsTaken: a queue that is given up counts nothing any more, not even what a writer has in hand.
func TestQueueDropsWhatIsTaken(t *testing.T) {
	for _, size := range []int{64, maxCopied + 1} {
		q := sendQueue{budget: NewBudget(1)}
		q.push(ownedFrame(make([]byte, size)))
		q.push(ownedFrame(make([]byte, maxCopied+1)))
		c := q.take()
		q.drop()
		require.Zero(t, q.budget.Used())
		require.Zero(t, q.memory.Load())
		q.written(len(c.bytes))
		q.release(c)
		require.Zero(t, q.budget.Used())
		require.Zero(t, q.size)
	}
}

// TestQueuesShareFrames: a frame that several queues keep counts until the last one lets go of it.
func TestQueuesShareFrames(t *testing.T) {
	budget := NewBudget(1)
	a, b := sendQueue{budget: budget}, sendQueue{budget: budget}
	f := ownedFrame(make([]byte, 2*maxCopied))
	f.queued = new(atomic.Int64)
	a.push(f)
	f.bytes = f.bytes[100:] // the peer took a little at once
	b.push(f)
	for _, q := range []*sendQueue{&a, &b} {
		require.EqualValues(t, 2*maxCopied, q.memory.Load())
		require.EqualValues(t, 2*maxCopied, budget.Used())
		q.drop()
	}
	require.Zero(t, budget.Used())
}

// TestQueueKeepsLittle: neither a queue that is never empty nor one that was long once keeps the places of what is gone.
func TestQueueKeepsLittle(t *testing.T) {
	var q sendQueue
	large := make([]byte, maxCopied+1)
	q.push(ownedFrame(large))
	for range 10_000 {
		q.push(ownedFrame(large))
		c := q.take()
		q.written(len(c.bytes))
		q.release(c)
	}
	require.LessOrEqual(t, cap(q.chunks), 4*keptChunks)
	for range 1000 {
		q.push(ownedFrame(large))
	}
	q.drop()
	require.Zero(t, q.size)
	require.True(t, q.empty())
	require.Zero(t, cap(q.chunks))
}

// TestQueueSharesChunks: small frames share memory, and a large one is not copied.
func TestQueueSharesChunks(t *testing.T) {
	var q sendQueue
	for range 100 {
		q.push(ownedFrame(make([]byte, 64)))
	}
	require.Len(t, q.chunks, 1)
	large := make([]byte, maxCopied+1)
	q.push(ownedFrame(large))
	q.push(ownedFrame(make([]byte, 64)))
	require.Len(t, q.chunks, 3)
	require.Same(t, &large[0], &q.chunks[1].bytes[0])
	q.drop()
}

// TestQueueKeepsAFrameThatIsAlone: it is copied only when another is to be written with it, or when it is not the queue's to
// keep.
func TestQueueKeepsAFrameThatIsAlone(t *testing.T) {
	var q sendQueue
	small := bytes.Repeat([]byte("a"), 64)
	q.push(ownedFrame(small))
	require.Same(t, &small[0], &q.chunks[0].bytes[0])
	require.EqualValues(t, 64, q.memory.Load())
	q.push(ownedFrame([]byte("b")))
	require.Len(t, q.chunks, 1)
	require.Equal(t, string(small)+"b", string(q.chunks[0].bytes))
	require.Equal(t, bytes.Repeat([]byte("a"), 64), small)
	require.EqualValues(t, chunkSize, q.memory.Load())
	q.drop()
	q.push(frame{bytes: small})
	require.NotSame(t, &small[0], &q.chunks[0].bytes[0])
	q.drop()
	require.Zero(t, q.memory.Load())
}
