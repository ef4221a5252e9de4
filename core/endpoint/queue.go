package endpoint

import "sync"

// sendQueue holds what a peer has not taken yet, oldest first. Small frames are copied into shared chunks; a large one is
// kept as it is, so that a broadcast to many slow peers is in memory once.
type sendQueue struct {
	chunks [][]byte
	pooled []bool // whether the chunk of the same index comes from chunkPool
	size   int    // bytes in chunks, and in the chunk that was taken and is being written
}

const (
	chunkSize = 16 << 10
	// maxCopied is the largest frame that is copied; larger ones are referenced, and must not change any more.
	maxCopied = 4 << 10
)

var chunkPool = sync.Pool{New: func() any { b := make([]byte, 0, chunkSize); return &b }}

// push adds bytes. If there are more than maxCopied of them, the queue keeps p itself.
func (q *sendQueue) push(p []byte) {
	q.size += len(p)
	if len(p) > maxCopied {
		q.chunks, q.pooled = append(q.chunks, p), append(q.pooled, false)
		return
	}
	last := len(q.chunks) - 1
	if last < 0 || !q.pooled[last] || len(q.chunks[last])+len(p) > chunkSize {
		chunk := *chunkPool.Get().(*[]byte)
		q.chunks, q.pooled = append(q.chunks, chunk[:0]), append(q.pooled, true)
		last++
	}
	q.chunks[last] = append(q.chunks[last], p...)
}

// take removes the oldest chunk. Its bytes count until written is called.
func (q *sendQueue) take() (chunk []byte, pooled bool) {
	chunk, pooled = q.chunks[0], q.pooled[0]
	q.chunks[0] = nil
	q.chunks, q.pooled = q.chunks[1:], q.pooled[1:]
	if len(q.chunks) == 0 {
		q.chunks, q.pooled = nil, nil
	}
	return chunk, pooled
}

// putBack returns the rest of a taken chunk to the front.
func (q *sendQueue) putBack(rest []byte) {
	q.chunks = append([][]byte{rest}, q.chunks...)
	q.pooled = append([]bool{false}, q.pooled...) // not from its beginning any more: the pool does without it
}

// written says that n bytes of a taken chunk were written.
func (q *sendQueue) written(n int) { q.size -= n }

func (q *sendQueue) empty() bool { return len(q.chunks) == 0 }

// drop forgets everything that has not been taken.
func (q *sendQueue) drop() {
	for _, chunk := range q.chunks {
		q.size -= len(chunk)
	}
	q.chunks, q.pooled = nil, nil
}

// recycle gives a written chunk back.
func recycle(chunk []byte, pooled bool) {
	if pooled && cap(chunk) == chunkSize {
		chunk = chunk[:0]
		chunkPool.Put(&chunk)
	}
}
