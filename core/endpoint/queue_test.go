package endpoint

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQueue writes and takes at random: the bytes come out as they went in, and the size is always what is left.
func TestQueue(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var q sendQueue
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
			q.push(p)
		}
		if !q.empty() && random.IntN(3) == 0 {
			c := q.take()
			n := random.IntN(len(c.bytes) + 1)
			out.Write(c.bytes[:n])
			q.written(n)
			if n < len(c.bytes) {
				q.putBack(c, n)
			} else {
				c.release()
			}
		}
		require.Equal(t, in.Len()-out.Len(), q.size)
	}
	for !q.empty() {
		c := q.take()
		out.Write(c.bytes)
		q.written(len(c.bytes))
		c.release()
	}
	require.True(t, bytes.Equal(in.Bytes(), out.Bytes()))
	require.Zero(t, q.size)
}

// TestQueueKeepsLittle: neither a queue that is never empty nor one that was long once keeps the places of what is gone.
func TestQueueKeepsLittle(t *testing.T) {
	var q sendQueue
	large := make([]byte, maxCopied+1)
	q.push(large)
	for range 10_000 {
		q.push(large)
		q.written(len(q.take().bytes))
	}
	require.LessOrEqual(t, cap(q.chunks), 4*keptChunks)
	for range 1000 {
		q.push(large)
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
		q.push(make([]byte, 64))
	}
	require.Len(t, q.chunks, 1)
	large := make([]byte, maxCopied+1)
	q.push(large)
	q.push(make([]byte, 64))
	require.Len(t, q.chunks, 3)
	require.Same(t, &large[0], &q.chunks[1].bytes[0])
	q.drop()
}
