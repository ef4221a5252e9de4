package wire_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// TestDecoderSplit feeds each captured stream in two pieces cut at every byte, and byte by byte. Defect 1: a read that
// ended within a length prefix stopped the reference for ever.
func TestDecoderSplit(t *testing.T) {
	for _, v := range wiretest.Vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			for _, fromServer := range []bool{false, true} {
				stream, want := streamOf(v, fromServer)
				require.Equal(t, want, decodeAll(t, stream))
				require.Equal(t, want, decodeAll(t, slices.Collect(slices.Chunk(stream, 1))...))
				step := 1 + len(stream)/4096 // every byte, unless the stream is long
				for cut := 0; cut <= len(stream); cut += step {
					require.Equal(t, want, decodeAll(t, stream[:cut], stream[cut:]), "cut at %d", cut)
				}
			}
		})
	}
}

// TestDecoderReadsOf1024 repeats the burst that defect 1 was found with: 62 byte frames in reads of 1024.
func TestDecoderReadsOf1024(t *testing.T) {
	frame := wire.AppendFrame(nil, 64, 0, make([]byte, 52))
	stream := bytes.Repeat(frame, 5000)
	got := decodeAll(t, slices.Collect(slices.Chunk(stream, 1024))...)
	require.Len(t, got, 5000)
}

func TestDecoderJudgesFrames(t *testing.T) {
	const limit = 100
	for _, tc := range []struct {
		name    string
		frame   []byte
		err     error
		message string
	}{
		{"length 0", frame(0, 64, 0), wire.ErrMalformed, "frame length 0"},
		{"length shorter than the header", frame(5, 64, 0), wire.ErrMalformed, "frame length 5"},
		{"empty body", frame(6, 64, 0), wire.ErrMalformed, "frame length 6"},
		{"body of one byte", frame(7, 64, 0), nil, ""},
		{"body at the limit", frame(6+limit, 64, 0), nil, ""},
		{"body beyond the limit", frame(6+limit+1, 64, 0), wire.ErrTooLarge, "body of 101 bytes, the limit is 100"},
		{"greatest length", frame(0xffffffff, 64, 0), wire.ErrTooLarge, "the limit is 100"},
		{"HTTP", []byte("GET / HTTP/1.1\r\n"), wire.ErrTooLarge, "the limit is 100"},
		{"AES", frame(7, 64, wire.FlagAES), wire.ErrMalformed, "encrypted packets are not supported"},
		{"AES and zlib", frame(7, 64, 3), wire.ErrMalformed, "encrypted packets are not supported"},
		{"unknown flags", frame(7, 64, 0xfffc), nil, ""},
		{"greatest id", frame(7, 0xffffffff, 0), nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, pieces := range [][][]byte{{tc.frame}, slices.Collect(slices.Chunk(tc.frame, 1))} {
				var d wire.Decoder
				d.SetLimit(limit)
				var got wire.Frame
				var found bool
				var err error
				for _, p := range pieces {
					d.Feed(p)
					if got, found, err = d.Next(); err != nil {
						break
					}
				}
				if tc.err != nil {
					require.ErrorIs(t, err, tc.err)
					require.ErrorContains(t, err, tc.message)
					continue
				}
				require.NoError(t, err)
				require.True(t, found)
				require.Equal(t, binary.BigEndian.Uint32(tc.frame[4:]), got.ID)
				require.Equal(t, binary.BigEndian.Uint16(tc.frame[8:]), got.Flags)
				require.Equal(t, tc.frame[10:], got.Body)
			}
		})
	}
}

func TestDecoderDefaultLimit(t *testing.T) {
	for _, tc := range []struct{ limit, want int }{
		{0, wire.DefaultMaxBody},
		{-1, wire.DefaultMaxBody},
		{math.MaxInt, wire.MaxBody},
	} {
		var d wire.Decoder
		d.SetLimit(tc.limit)
		d.Feed(binary.BigEndian.AppendUint32(nil, uint32(6+tc.want)))
		_, _, err := d.Next()
		require.NoError(t, err)

		d = wire.Decoder{}
		d.SetLimit(tc.limit)
		d.Feed(binary.BigEndian.AppendUint32(nil, uint32(6+tc.want+1)))
		_, _, err = d.Next()
		require.ErrorIs(t, err, wire.ErrTooLarge)
	}
}

// TestDecoderStaysDead asks on after an error.
func TestDecoderStaysDead(t *testing.T) {
	var d wire.Decoder
	good := frame(7, 64, 0)
	d.Feed(slices.Concat(good, frame(0, 64, 0), good))
	_, ok, err := d.Next()
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, first := d.Next()
	require.ErrorIs(t, first, wire.ErrMalformed)
	require.False(t, ok)
	d.Feed(good)
	_, ok, err = d.Next()
	require.Same(t, first, err)
	require.False(t, ok)
	d.Release()
	_, _, err = d.Next()
	require.Same(t, first, err)
}

// TestDecoderLimitBetweenFrames raises and lowers the limit between the frames of one read, as a handshake does.
func TestDecoderLimitBetweenFrames(t *testing.T) {
	small, large := frame(6+10, 1, 0), frame(6+100, 64, 0)
	for _, cut := range []int{0, 3, len(small), len(small) + 4, len(small) + 50} {
		stream := slices.Concat(small, large, large)
		var d wire.Decoder
		d.SetLimit(10)
		d.Feed(stream[:cut])
		_, ok, err := d.Next()
		require.NoError(t, err)
		if ok {
			d.SetLimit(100)
			_, ok, err = d.Next()
			require.NoError(t, err)
			require.False(t, ok)
			d.Feed(stream[cut:])
		} else {
			d.Feed(stream[cut:])
			_, ok, err = d.Next()
			require.NoError(t, err)
			require.True(t, ok)
			d.SetLimit(100)
		}
		_, ok, err = d.Next()
		require.NoError(t, err)
		require.True(t, ok)
		d.SetLimit(99)
		_, _, err = d.Next()
		require.ErrorIs(t, err, wire.ErrTooLarge)
	}
}

// TestDecoderLimitWithinFrame lowers the limit when the frame's length has been seen already.
func TestDecoderLimitWithinFrame(t *testing.T) {
	p := frame(6+100, 64, 0)
	var d wire.Decoder
	d.Feed(p[:50])
	_, _, err := d.Next()
	require.NoError(t, err)
	d.SetLimit(99)
	d.Feed(p[50:])
	_, _, err = d.Next()
	require.ErrorIs(t, err, wire.ErrTooLarge)
}

// TestDecoderBodiesLast holds frames of one Feed until all of them were returned, and what is left was copied.
func TestDecoderBodiesLast(t *testing.T) {
	stream := slices.Concat(wire.AppendFrame(nil, 1, 0, []byte("pieces")), wire.AppendFrame(nil, 2, 0, []byte("whole")),
		wire.AppendFrame(nil, 3, 0, []byte("begun")))
	var d wire.Decoder
	d.Feed(stream[:5])
	_, ok, err := d.Next()
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, 5, d.Pending())

	d.Feed(stream[5 : len(stream)-2])
	first, _, _ := d.Next()
	second, _, _ := d.Next()
	_, ok, err = d.Next()
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, 13, d.Pending())
	require.Equal(t, "pieces", string(first.Body))
	require.Equal(t, "whole", string(second.Body))
	_ = append(second.Body, "xxxxxxxxxxxxxxx"...) // must not reach what lies behind

	d.Feed(stream[len(stream)-2:])
	third, ok, err := d.Next()
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "begun", string(third.Body))
	require.Zero(t, d.Pending())
}

// TestDecoderSettlesBetweenFrames settles while some of what was fed is still to come.
func TestDecoderSettlesBetweenFrames(t *testing.T) {
	stream := slices.Concat(frame(6+40, 1, 0), frame(6+40, 2, 0), frame(6+40, 3, 0))
	for cut := range stream {
		var d wire.Decoder
		var ids []uint32
		for _, p := range [][]byte{stream[:cut], stream[cut:]} {
			d.Feed(p)
			for {
				f, ok, err := d.Next()
				require.NoError(t, err)
				if !ok {
					break
				}
				require.Equal(t, bytes.Repeat([]byte{7}, 40), f.Body)
				ids = append(ids, f.ID)
				d.Settle()
			}
		}
		require.Equal(t, []uint32{1, 2, 3}, ids)
	}
}

func TestDecoderFeedTooEarly(t *testing.T) {
	var d wire.Decoder
	d.Feed([]byte{0})
	require.Panics(t, func() { d.Feed([]byte{0}) })
}

func TestDecoderRelease(t *testing.T) {
	var d wire.Decoder
	d.Feed([]byte{0, 0})
	_, _, err := d.Next()
	require.NoError(t, err)
	require.Equal(t, 2, d.Pending())
	d.Release()
	d.Release()
	require.Zero(t, d.Pending())
}

// frame returns a frame with a length that may be wrong, and the body it asks for where that is small.
func frame(length, id uint32, flags uint16) []byte {
	p := binary.BigEndian.AppendUint32(nil, length)
	p = binary.BigEndian.AppendUint32(p, id)
	p = binary.BigEndian.AppendUint16(p, flags)
	if length > 6 && length < 1<<10 {
		p = append(p, bytes.Repeat([]byte{7}, int(length-6))...)
	}
	return p
}

// streamOf returns what one side of a captured session sent, and the frames in it.
func streamOf(v wiretest.Vector, fromServer bool) (stream []byte, frames []wire.Frame) {
	for _, f := range v.Frames {
		if f.FromServer == fromServer {
			stream = append(stream, f.Bytes...)
			frames = append(frames, wire.Frame{ID: f.ID, Flags: f.Flags, Body: f.Bytes[10:]})
		}
	}
	return stream, frames
}

// decodeAll feeds the pieces one after the other and returns copies of the frames. All bytes must be used up.
func decodeAll(t *testing.T, pieces ...[]byte) (frames []wire.Frame) {
	t.Helper()
	var d wire.Decoder
	defer d.Release()
	for _, p := range pieces {
		d.Feed(p)
		for {
			f, ok, err := d.Next()
			require.NoError(t, err)
			if !ok {
				break
			}
			f.Body = bytes.Clone(f.Body)
			frames = append(frames, f)
		}
	}
	require.Zero(t, d.Pending())
	return frames
}
