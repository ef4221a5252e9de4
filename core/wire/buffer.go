package wire

import (
	"math/bits"
	"sync"
)

// Pooled buffers have a power of two of bytes, from 512 to 1 MiB. Larger ones are rare enough to leave to the collector,
// which gives their memory back to the system sooner than a pool would.
const (
	minBufferBits = 9
	maxBufferBits = 20
)

// buffers keeps free buffers by size, so that connections that receive now and then share what only a few need at once.
var buffers [maxBufferBits - minBufferBits + 1]sync.Pool

// buffer is memory for the beginning of one frame.
type buffer struct {
	bytes []byte
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
// not beyond what the whole frame takes.
func (b *buffer) append(p []byte, frame int) *buffer {
	if n := len(b.bytes) + len(p); n > cap(b.bytes) {
		larger := newBuffer(max(n, min(2*cap(b.bytes), frame)))
		larger.bytes = append(larger.bytes, b.bytes...)
		b.release()
		b = larger
	}
	b.bytes = append(b.bytes, p...)
	return b
}

// release gives the memory back. It may be called on nil.
func (b *buffer) release() {
	if b == nil || cap(b.bytes) > 1<<maxBufferBits {
		return
	}
	b.bytes = b.bytes[:0]
	buffers[bits.Len(uint(cap(b.bytes)-1)>>minBufferBits)].Put(b)
}
