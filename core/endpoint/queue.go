package endpoint

import (
	"slices"
	"sync"
	"sync/atomic"
)

// sendQueue holds what a peer has not taken yet, oldest first. Small frames are copied into shared chunks; a large one is
// kept as it is, so that a broadcast to many slow peers is in memory once.
type sendQueue struct {
	budget *Budget // counts the memory
	chunks []chunk // those before first are taken
	first  int
	size   int   // bytes in chunks, and in the chunk that was taken and is being written
	taken  chunk // the latter, while it counts; else zero

	memory atomic.Int64 // bytes that all chunks take; may be read without the connection's lock
}

// chunk is a piece of a queue.
type chunk struct {
	bytes  []byte
	home   *[]byte       // pooled memory that bytes are in; nil: bytes are a frame, which others may refer to
	memory int           // what the chunk keeps in memory
	queued *atomic.Int64 // as in frame; nil: in this queue alone
}

const (
	chunkSize = 16 << 10
	// maxCopied is the largest frame that is copied; larger ones are referenced, and must not change any more.
	maxCopied = 4 << 10
	// keptChunks is how many places for chunks an empty queue keeps.
	keptChunks = 16
)

var chunkPool = sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }}

// push adds a frame. A large frame is kept as it is. So is a small one, if that is allowed, as long as it is alone: a single
// broadcast to thousands of slow peers would otherwise make thousands of copies.
func (q *sendQueue) push(f frame) {
	p := f.bytes
	q.size += len(p)
	if len(p) > maxCopied || f.memory > 0 && q.empty() {
		q.add(chunk{bytes: p, memory: f.memory, queued: f.queued})
		return
	}
	if !q.empty() {
		last := &q.chunks[len(q.chunks)-1]
		if last.home == nil && len(last.bytes) <= maxCopied {
			q.copyLast()
			last = &q.chunks[len(q.chunks)-1]
		}
		if last.home != nil && len(last.bytes)+len(p) <= cap(last.bytes) {
			last.bytes = append(last.bytes, p...)
			return
		}
	}
	q.addCopy(p)
}

// copyLast replaces the newest chunk, a frame that is not alone any more, by a copy that others can be added to.
func (q *sendQueue) copyLast() {
	n := len(q.chunks) - 1
	alone := q.chunks[n]
	q.chunks = q.chunks[:n]
	q.uncount(alone)
	q.addCopy(alone.bytes)
}

func (q *sendQueue) addCopy(p []byte) {
	home := chunkPool.Get().(*[]byte)
	q.add(chunk{bytes: append((*home)[:0], p...), home: home, memory: chunkSize})
}

func (q *sendQueue) add(c chunk) {
	q.chunks = append(q.chunks, c)
	q.memory.Add(int64(c.memory))
	if c.queued == nil || c.queued.Add(1) == 1 { // a frame in several queues is in memory once
		q.budget.count(int64(c.memory))
	}
}

// uncount says that the queue does not keep a chunk any more.
func (q *sendQueue) uncount(c chunk) {
	q.memory.Add(-int64(c.memory))
	if c.queued == nil || c.queued.Add(-1) == 0 {
		q.budget.count(-int64(c.memory))
	}
}

// take removes the oldest chunk. Its bytes count until written is called, its memory until it comes back, by release or
// putBack.
func (q *sendQueue) take() chunk {
	c := q.chunks[q.first]
	q.taken = c
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
	q.taken = chunk{}
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

// drop forgets everything. What was taken does not count any more, either, though its writer may need a moment to release it.
func (q *sendQueue) drop() {
	for _, c := range q.chunks[q.first:] {
		q.size -= len(c.bytes)
		q.uncount(c)
		c.recycle()
	}
	q.reset()
	q.uncountTaken()
}

// release gives back the memory of the taken chunk.
func (q *sendQueue) release(c chunk) {
	q.uncountTaken()
	c.recycle()
}

func (q *sendQueue) uncountTaken() {
	if q.taken.bytes != nil {
		q.uncount(q.taken)
		q.taken = chunk{}
	}
}

// reset empties the table of chunks. An idle connection keeps next to nothing of a long one.
func (q *sendQueue) reset() {
	clear(q.chunks)
	q.chunks, q.first = q.chunks[:0], 0
	if cap(q.chunks) > keptChunks {
		q.chunks = nil
	}
}

// recycle makes a chunk's memory available to others.
func (c chunk) recycle() {
	if c.home != nil {
		chunkPool.Put(c.home)
	}
}
