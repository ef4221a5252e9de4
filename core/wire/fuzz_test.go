package wire_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// FuzzDecoder compares a stream fed at once with the same stream fed in pieces, whose sizes cuts lists.
func FuzzDecoder(f *testing.F) {
	for _, v := range wiretest.Vectors(f) {
		for _, fromServer := range []bool{false, true} {
			stream, _ := streamOf(v, fromServer)
			f.Add(stream, []byte{1, 2, 3, 255, 4})
		}
	}
	f.Add(frame(0xffffffff, 64, 0), []byte{1})
	f.Add(frame(7, 64, wire.FlagAES), []byte{3})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		var pieces [][]byte
		rest := stream
		for _, n := range cuts {
			n := min(int(n), len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		whole, wholePending, wholeErr := run(stream)
		split, splitPending, splitErr := run(append(pieces, rest)...)
		require.Equal(t, whole, split)
		require.Equal(t, wholePending, splitPending)
		require.Equal(t, wholeErr, splitErr)

		var again []byte
		for _, f := range whole {
			require.NotEmpty(t, f.Body)
			again = wire.AppendFrame(again, f.ID, f.Flags, f.Body)
		}
		require.True(t, bytes.HasPrefix(stream, again))
		if wholeErr == nil {
			require.Equal(t, len(stream), len(again)+wholePending)
		}
	})
}

// run decodes pieces until an error, and returns copies of the frames and what is left.
func run(pieces ...[]byte) (frames []wire.Frame, pending int, err error) {
	var d wire.Decoder
	defer d.Release()
	d.SetLimit(1 << 16)
	for _, p := range pieces {
		d.Feed(bytes.Clone(p))
		for {
			f, ok, err := d.Next()
			if err != nil {
				return frames, d.Pending(), err
			}
			if !ok {
				break
			}
			f.Body = bytes.Clone(f.Body)
			frames = append(frames, f)
		}
	}
	return frames, d.Pending(), nil
}

// FuzzInflate compares with the standard library, which knows neither a limit nor what follows a stream.
func FuzzInflate(f *testing.F) {
	for _, v := range wiretest.Vectors(f) {
		for _, frame := range v.Frames {
			if frame.Flags&wire.FlagCompressed != 0 {
				f.Add(frame.Bytes[10:], uint16(frame.BodySize))
			}
		}
	}
	f.Add(deflated(f, []byte("hello")), uint16(4))
	f.Add(append(deflated(f, []byte("hello")), 0), uint16(5))
	f.Fuzz(func(t *testing.T, compressed []byte, limit uint16) {
		got, err := wire.Inflate([]byte{42}, compressed, int(limit))
		require.Equal(t, byte(42), got[0])
		if err != nil {
			require.Len(t, got, 1)
			require.True(t, errors.Is(err, wire.ErrTooLarge) != errors.Is(err, wire.ErrMalformed))
		}
		require.LessOrEqual(t, len(got)-1, int(limit))

		source := bytes.NewReader(compressed)
		standard, standardErr := zlib.NewReader(source)
		var want []byte
		if standardErr == nil {
			want, standardErr = io.ReadAll(io.LimitReader(standard, int64(limit)+1))
		}
		switch {
		case standardErr != nil:
			require.Error(t, err)
		case len(want) > int(limit):
			require.ErrorIs(t, err, wire.ErrTooLarge)
		case source.Len() > 0 || compressed[1]&0x20 != 0:
			require.ErrorIs(t, err, wire.ErrMalformed)
		default:
			require.NoError(t, err)
			require.Equal(t, want, got[1:])
		}
	})
}

// FuzzAppendPacket takes every packet apart again.
func FuzzAppendPacket(f *testing.F) {
	f.Add(uint32(64), []byte{0xc0}, uint16(0), uint8(6))
	f.Add(uint32(64), text(9000), uint16(8192), uint8(6))
	f.Fuzz(func(t *testing.T, id uint32, body []byte, threshold uint16, level uint8) {
		c := wire.Compression{Threshold: int(threshold), Level: int(level % 10)}
		out, err := c.AppendPacket(nil, id, body)
		if len(body) == 0 {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		got := decodeOne(t, out)
		require.Equal(t, id, got.ID)
		require.Equal(t, len(body) > int(threshold), got.Flags == wire.FlagCompressed)
		if got.Flags != 0 {
			got.Body, err = wire.Inflate(nil, got.Body, len(body))
			require.NoError(t, err)
		}
		require.Equal(t, body, got.Body)
	})
}
