package wire

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPartialMemory feeds a large frame in reads of several sizes: memory follows the bytes that came, and never the
// length that was announced (defect 7). What is not whole yet lies in pooled buffers, which serve others afterwards.
func TestPartialMemory(t *testing.T) {
	for _, read := range []int{1, 1000, 64 << 10} {
		frame := binary.BigEndian.AppendUint32(nil, 3<<20)
		frame = append(frame, make([]byte, 3<<20)...)
		if read == 1 {
			frame = frame[:64<<10]
		}
		var d Decoder
		for at := 0; at < len(frame); at += read {
			d.Feed(frame[at:min(at+read, len(frame))])
			f, ok, err := d.Next()
			require.NoError(t, err)
			if ok {
				require.Len(t, f.Body, 3<<20-HeaderSize)
				require.LessOrEqual(t, cap(d.lent.bytes), 4+3<<20)
				require.Empty(t, d.lent.before)
				break
			}
			require.LessOrEqual(t, d.Held(), max(512, 2*d.Pending()))
			require.LessOrEqual(t, cap(d.partial.bytes), chunk, "what has no pool becomes garbage")
		}
		d.Release()
		require.Zero(t, d.Held())
	}
}

// TestIdleMemory looks for memory that a decoder holds without a need.
func TestIdleMemory(t *testing.T) {
	var d Decoder
	frame := AppendFrame(nil, 64, 0, []byte{7})
	d.Feed(frame)
	_, _, err := d.Next()
	require.NoError(t, err)
	require.Nil(t, d.partial)
	require.Nil(t, d.lent, "a whole frame needs no memory of ours")

	d.Feed(frame[:3])
	_, _, err = d.Next()
	require.NoError(t, err)
	d.Feed(frame[3:])
	_, _, err = d.Next()
	require.NoError(t, err)
	require.Nil(t, d.partial)
	require.NotNil(t, d.lent)
	d.Settle()
	require.Nil(t, d.lent)
}

// TestBufferClasses looks for buffers that come back from the pool smaller than asked for.
func TestBufferClasses(t *testing.T) {
	for n := 0; n <= 1<<21; n = max(n+1, n*3/2) {
		for _, size := range []int{max(n-1, 0), n, n + 1} {
			b := newBuffer(size)
			require.GreaterOrEqual(t, cap(b.bytes), size)
			require.Empty(t, b.bytes)
			b.bytes = append(b.bytes, make([]byte, size)...)
			b.release()
		}
	}
}

// TestCheckSize tests the size alone: a body beyond the limit takes a gigabyte.
func TestCheckSize(t *testing.T) {
	require.NoError(t, checkSize(1))
	require.NoError(t, checkSize(MaxBody))
	require.ErrorIs(t, checkSize(0), ErrMalformed)
	require.ErrorIs(t, checkSize(MaxBody+1), ErrTooLarge)
}
