package endpoint

import (
	"slices"
	"sync"
)

// sendQueue holds what a peer has not taken yet, oldest first. Small frames are copied into shared chunks; a large one is
// kept as it is, so that a broadcast to many slow peers is in memory once.
type sendQueue struct {
	chunks []chunk // those before first are taken
	first  int
	size   int // bytes in chunks, and in the chunk that was taken and is being written
}

// chunk is a piece of a queue.
type chunk struct {
	bytes []byte
	home  *[]byte // memory of chunkPool that bytes lie in; nil: bytes are a frame that may be referenced elsewhere
}

const (
	chunkSize = 16 << 10
	// maxCopied is the largest frame that is copied; larger ones are referenced, and must not change any more.
	maxCopied = 4 << 10
	// keptChunks is how many places for chunks an empty queue keeps.
	keptChunks = 16
)

var chunkPool = sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }}

// push adds bytes. If there are more than maxCopied of them, the queue keeps p itself.
func (q *sendQueue) push(p []byte) {
	q.size += len(p)
	if len(p) > maxCopied {
		q.chunks = append(q.chunks, chunk{bytes: p})
		return
	}
	if !q.empty() {
		last := &q.chunks[len(q.chunks)-1]
		if last.home != nil && len(last.bytes)+len(p) <= cap(last.bytes) {
			last.bytes = append(last.bytes, p...)
			return
		}
	}
	home := chunkPool.Get().(*[]byte)
	q.chunks = append(q.chunks, chunk{bytes: append((*home)[:0], p...), home: home})
}

// take removes the oldest chunk. Its bytes count until written is called.
func (q *sendQueue) take() chunk {
	c := q.chunks[q.first]
	q.chunks[q.first] = chunk{}
	q.first++
	switch {
	case q.empty():
		q.reset()
	case q.first > keptChunks && q.first > len(q.chunks)/2: // a queue that is never empty must not grow for ever
		q.chunks, q.first = slices.Delete(q.chunks, 0, q.first), 0
	}
	return c
}

// putBack returns a taken chunk without its first n bytes, which were written, to the front.
func (q *sendQueue) putBack(c chunk, n int) {
	c.bytes = c.bytes[n:]
	if q.first > 0 {
		q.first--
		q.chunks[q.first] = c
		return
	}
	q.chunks = slices.Insert(q.chunks, 0, c)
}

// written says that n bytes of a taken chunk were written.
func (q *sendQueue) written(n int) { q.size -= n }

func (q *sendQueue) empty() bool { return q.first == len(q.chunks) }

// drop forgets everything that has not been taken.
func (q *sendQueue) drop() {
	for _, c := range q.chunks[q.first:] {
		q.size -= len(c.bytes)
		c.release()
	}
	q.reset()
}

// reset makes the queue of no chunks. An idle connection keeps next to nothing of a long queue.
func (q *sendQueue) reset() {
	clear(q.chunks)
	q.chunks, q.first = q.chunks[:0], 0
	if cap(q.chunks) > keptChunks {
		q.chunks = nil
	}
}

// release gives a chunk's memory back.
func (c chunk) release() {
	if c.home != nil {
		chunkPool.Put(c.home)
	}
}
