package wire

import (
	"bytes"
	"math/bits"
	"sync"
)

// Pooled buffers have a power of two of bytes, from 512 to 1 MiB. Larger ones, for whole frames, are rare enough to leave
// to the collector, which gives their memory back to the system sooner than a pool would.
const (
	minBufferBits = 9
	maxBufferBits = 20
)

// buffers keeps free buffers by size, so that connections that receive now and then share what only a few need at once.
var buffers [maxBufferBits - minBufferBits + 1]sync.Pool

// chunk is the size of the largest buffer that has a pool. What is larger is collected in several of them: it leaves no
// garbage behind while it grows, however many frames begin and never end.
const chunk = 1 << maxBufferBits

// buffer is memory for the beginning of one frame, or of one inflated body.
type buffer struct {
	bytes []byte
	// before holds what comes before bytes, each a full chunk. Only frames beyond a chunk have any.
	before []*buffer
}

// newBuffer returns an empty buffer with room for n bytes.
func newBuffer(n int) *buffer {
	class := bits.Len(uint(max(n, 1)-1) >> minBufferBits)
	if class >= len(buffers) {
		return &buffer{bytes: make([]byte, 0, n)}
	}
	if b, ok := buffers[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{bytes: make([]byte, 0, 1<<(minBufferBits+class))}
}

// append adds p and returns the buffer that holds everything now. Where there is no room it moves to twice the room, but
// not beyond what the whole frame takes; a full chunk is followed by another.
func (b *buffer) append(p []byte, frame int) *buffer {
	for {
		if n := len(b.bytes) + len(p); n > cap(b.bytes) && cap(b.bytes) < chunk {
			larger := newBuffer(min(max(n, min(2*cap(b.bytes), frame)), chunk))
			larger.bytes = append(larger.bytes, b.bytes...)
			b.release()
			b = larger
		}
		n := min(len(p), cap(b.bytes)-len(b.bytes))
		b.bytes = append(b.bytes, p[:n]...)
		if p = p[n:]; len(p) == 0 {
			return b
		}
		b = b.another(max(frame-b.len(), len(p)))
	}
}

// another returns a buffer that goes on behind b, which is a full chunk, with room for n bytes or for a chunk.
func (b *buffer) another(n int) *buffer {
	next := newBuffer(min(n, chunk))
	next.before, b.before = append(b.before, b), nil
	return next
}

// len returns how many bytes there are.
func (b *buffer) len() int { return len(b.before)*chunk + len(b.bytes) }

// memory returns how many bytes they take, unused room included.
func (b *buffer) memory() int { return len(b.before)*chunk + cap(b.bytes) }

// start returns the first bytes: all of them, or a chunk at least.
func (b *buffer) start() []byte {
	if len(b.before) > 0 {
		return b.before[0].bytes
	}
	return b.bytes
}

// pieces returns everything in order, behind what is in first.
func (b *buffer) pieces(first ...[]byte) [][]byte {
	for _, full := range b.before {
		first = append(first, full.bytes)
	}
	return append(first, b.bytes)
}

// join returns a buffer that holds everything in one piece.
func (b *buffer) join() *buffer {
	if len(b.before) == 0 {
		return b
	}
	whole := &buffer{bytes: bytes.Join(b.pieces(), nil)}
	b.release()
	return whole
}

// release gives the memory back. It may be called on nil.
func (b *buffer) release() {
	if b == nil {
		return
	}
	for _, full := range b.before {
		full.release()
	}
	b.before = nil
	if cap(b.bytes) > chunk {
		return
	}
	b.bytes = b.bytes[:0]
	buffers[bits.Len(uint(cap(b.bytes)-1)>>minBufferBits)].Put(b)
}
