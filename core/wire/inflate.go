package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// largestSlice is how far a slice is moved to larger ones, in bytes.
const largestSlice = 1 << 20

// yieldPieces is after how many pieces others may go first, who would have to wait for up to 10 ms beside a program that inflates on
// its only processor. So many take a third of a millisecond; to yield after each read took a third more time for a large body.
const yieldPieces = 8

// presetDictionary is the bit of a zlib stream's second byte that demands a dictionary; peng3dnet has none.
const presetDictionary = 0x20

// Inflate appends the content of a zlib stream, which must be at most limit bytes and end where compressed ends. It stops
// at the limit, and takes memory as content comes: a small frame cannot claim much. On an error, which wraps
// [ErrTooLarge] or [ErrMalformed], dst is returned as it was. Any number of goroutines may call it at once.
func Inflate(dst, compressed []byte, limit int) ([]byte, error) {
	if len(compressed) > 1 && compressed[1]&presetDictionary != 0 {
		return dst, malformedZlib(zlib.ErrDictionary)
	}
	in, ok := inflaters.Get().(*inflater)
	if !ok {
		in = &inflater{}
	}
	defer in.release()
	if err := in.reset(compressed); err != nil {
		return dst, malformedZlib(err)
	}
	out, err := in.appendTo(dst, len(dst)+limit)
	switch {
	case errors.Is(err, ErrTooLarge):
		return dst, fmt.Errorf("%w: body of more than %d bytes after inflating", ErrTooLarge, limit)
	case err != nil:
		return dst, malformedZlib(err)
	case in.source.Len() > 0:
		return dst, fmt.Errorf("%w: %d bytes behind the zlib stream", ErrMalformed, in.source.Len())
	}
	return out, nil
}

// malformedZlib says why a body is no zlib stream.
func malformedZlib(reason error) error {
	return fmt.Errorf("%w: bad zlib stream: %w", ErrMalformed, reason)
}

// inflaters keeps the decompressors that are not in use: each takes about 40 KiB.
var inflaters sync.Pool

// inflater is a zlib decompressor that reads from a slice.
type inflater struct {
	source bytes.Reader
	zlib   io.ReadCloser
	probe  [1]byte
}

// reset begins a stream.
func (in *inflater) reset(compressed []byte) (err error) {
	in.source.Reset(compressed)
	if in.zlib == nil {
		in.zlib, err = zlib.NewReader(&in.source)
		return err
	}
	return in.zlib.(zlib.Resetter).Reset(&in.source, nil)
}

// appendTo appends the content, until dst has end bytes and there is still more: that is [ErrTooLarge].
func (in *inflater) appendTo(dst []byte, end int) ([]byte, error) {
	// Text and numbers shrink to a third or so; content that shrinks more costs a few moves.
	dst = slices.Grow(dst, min(4*in.source.Len(), end-len(dst), largestSlice))
	for {
		if len(dst) == cap(dst) {
			if len(dst) >= largestSlice {
				return in.appendPieces(dst, end)
			}
			dst = slices.Grow(dst, min(max(len(dst), 512), end-len(dst)))
		}
		room := dst[len(dst):min(cap(dst), end)]
		if len(room) == 0 {
			room = in.probe[:]
		}
		n, err := in.zlib.Read(room)
		if len(dst)+n > end {
			return dst, ErrTooLarge
		}
		dst = dst[:len(dst)+n]
		switch {
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

// appendPieces goes on where the content is large: it lies in pooled pieces until all of it is there. That takes half the
// time that moving it to ever larger slices takes, and leaves no garbage if there is too much in the end.
func (in *inflater) appendPieces(dst []byte, end int) ([]byte, error) {
	more := newBuffer(piece)
	defer func() { more.release() }()
	for {
		more = more.goOn(math.MaxInt)
		held := len(more.bytes)
		if held == 0 && len(more.before)%yieldPieces == 0 {
			runtime.Gosched()
		}
		room := more.bytes[held:cap(more.bytes)]
		n, err := in.zlib.Read(room[:min(len(room), end-len(dst)-more.len()+1)]) // one byte beyond the end is enough
		more.bytes = more.bytes[:held+n]
		switch {
		case len(dst)+more.len() > end:
			return dst, ErrTooLarge
		case errors.Is(err, io.EOF):
			return bytes.Join(more.pieces(dst), nil), nil
		case err != nil:
			return dst, err
		}
	}
}

// release keeps the decompressor for the next stream, without the memory of this one.
func (in *inflater) release() {
	in.source.Reset(nil)
	inflaters.Put(in)
}
