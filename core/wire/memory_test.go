package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPartialMemory gives a decoder large frames in reads of several sizes, into its room if that has some: memory follows
// the bytes that came, and never the length that was announced (defect 7). What is not whole yet lies in pooled buffers,
// which serve others afterwards.
func TestPartialMemory(t *testing.T) {
	for _, size := range []int{200 << 10, maxBuffer - LengthSize, maxBuffer - LengthSize + 1, 3 << 20} {
		frame := binary.BigEndian.AppendUint32(nil, uint32(size))
		for i := range size {
			frame = append(frame, byte(i*i>>8))
		}
		binary.BigEndian.PutUint32(frame[LengthSize:], 64)
		binary.BigEndian.PutUint16(frame[LengthSize+4:], 0)
		for _, read := range []int{1, 1000, 64 << 10} {
			t.Run(fmt.Sprintf("%d bytes, %d at once", size, read), func(t *testing.T) {
				end := len(frame)
				if read == 1 { // which takes long
					end = piece + 100
				}
				f, inRoom := decodeInRoom(t, frame, end, read)
				if end < len(frame) {
					return
				}
				require.True(t, bytes.Equal(frame[LengthSize+HeaderSize:], f.Body))
				require.Equal(t, len(frame) > maxBuffer, f.Owned)
				require.GreaterOrEqual(t, inRoom, len(frame)-2*piece, "bytes that came to where they belong")
			})
		}
	}
}

// decodeInRoom decodes a frame, or what precedes end, which comes in reads of so many bytes at most. It checks what the
// decoder holds meanwhile, and counts the bytes that were read to its room.
func decodeInRoom(t *testing.T, frame []byte, end, read int) (f Frame, inRoom int) {
	var d Decoder
	defer func() {
		d.Release()
		require.Zero(t, d.Held())
		require.Empty(t, d.Room())
	}()
	for at := 0; at < end; {
		n := min(read, len(frame)-at)
		if room := d.Room(); len(room) > 0 {
			require.LessOrEqual(t, len(room), len(frame)-at, "nothing of the next frame belongs there")
			n = copy(room, frame[at:at+n])
			inRoom += n
			d.Filled(n)
		} else {
			d.Feed(frame[at : at+n])
		}
		at += n
		f, ok, err := d.Next()
		require.NoError(t, err)
		if ok {
			require.Equal(t, len(frame), at)
			require.Zero(t, d.Held())
			return f, inRoom
		}
		require.LessOrEqual(t, d.Held(), max(512, 2*d.Pending()))
		require.LessOrEqual(t, cap(d.partial.bytes), piece, "what has no pool becomes garbage")
	}
	return Frame{}, inRoom
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
