package wire

import (
	"bytes"
	"math/bits"
	"sync"
)

// Pooled buffers have a power of two of bytes, from 512 to 256 KiB. Larger ones, for whole frames, are owned by the receiver of
// the frame.
const (
	minBufferBits = 9
	maxBufferBits = 18
	maxBuffer     = 1 << maxBufferBits
)

// buffers keeps free buffers by size: connections that receive now and then share what only a few need at the same time.
var buffers [maxBufferBits - minBufferBits + 1]sync.Pool

// piece is the size of the buffers in which larger frames are collected, as much as one read brings. As these are pooled, frames
// leave no garbage behind while they grow, however many begin and never end.
const piece = 64 << 10

// buffer is memory for the beginning of one frame, or of one inflated body.
type buffer struct {
	bytes []byte
	// before holds what comes before bytes, each a full piece. It is empty up to the size of a piece.
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

// append adds p, which is part of what the frame lacks, and returns the buffer that holds everything now. Up to the size of a
// piece, a full buffer is replaced by one of twice the size, but not larger than the whole frame.
func (b *buffer) append(p []byte, frame int) *buffer {
	for {
		if n := len(b.bytes) + len(p); n > cap(b.bytes) && cap(b.bytes) < piece {
			larger := newBuffer(min(max(n, min(2*cap(b.bytes), frame)), piece))
			larger.bytes = append(larger.bytes, b.bytes...)
			b.release()
			b = larger
		}
		n := min(len(p), cap(b.bytes)-len(b.bytes))
		b.bytes = append(b.bytes, p[:n]...)
		b = b.goOn(frame)
		if p = p[n:]; len(p) == 0 {
			return b
		}
	}
}

// goOn returns b, or the next piece if b is full and the frame has more bytes.
func (b *buffer) goOn(frame int) *buffer {
	if len(b.bytes) < piece || b.len() == frame {
		return b
	}
	next := newBuffer(min(frame-b.len(), piece))
	next.before, b.before = append(b.before, b), nil
	return next
}

// room returns the memory for the bytes that come next, no more than the frame lacks, if there are full pieces before it; else
// none.
func (b *buffer) room(frame int) []byte {
	if len(b.before) == 0 {
		return nil
	}
	free := b.bytes[len(b.bytes):cap(b.bytes)]
	return free[:min(len(free), frame-b.len())]
}

// len returns how many bytes there are.
func (b *buffer) len() int { return len(b.before)*piece + len(b.bytes) }

// memory returns how many bytes of memory they take, including unused room.
func (b *buffer) memory() int { return len(b.before)*piece + cap(b.bytes) }

// start returns the first bytes: all of them, or at least a piece.
func (b *buffer) start() []byte {
	if len(b.before) > 0 {
		return b.before[0].bytes
	}
	return b.bytes
}

// pieces returns everything in order, after what is in first.
func (b *buffer) pieces(first ...[]byte) [][]byte {
	for _, full := range b.before {
		first = append(first, full.bytes)
	}
	return append(first, b.bytes)
}

// join returns a buffer that holds everything at once.
func (b *buffer) join() *buffer {
	if len(b.before) == 0 {
		return b
	}
	var whole *buffer
	if n := b.len(); n <= maxBuffer {
		whole = newBuffer(n)
		for _, p := range b.pieces() {
			whole.bytes = append(whole.bytes, p...)
		}
	} else {
		whole = &buffer{bytes: bytes.Join(b.pieces(), nil)} // does not clear what it overwrites
	}
	b.release()
	return whole
}

// pooled reports whether the memory of bytes is reused after release.
func (b *buffer) pooled() bool { return cap(b.bytes) <= maxBuffer }

// release gives the memory back. It may be called on nil.
func (b *buffer) release() {
	if b == nil {
		return
	}
	for _, full := range b.before {
		full.release()
	}
	b.before = nil
	if !b.pooled() {
		return
	}
	b.bytes = b.bytes[:0]
	buffers[bits.Len(uint(cap(b.bytes)-1)>>minBufferBits)].Put(b)
}
