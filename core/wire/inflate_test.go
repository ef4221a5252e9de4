package wire_test

import (
	"bytes"
	"compress/zlib"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/wire"
)

func TestInflateLimit(t *testing.T) {
	body := text(100_000)
	compressed := deflated(t, body)
	for _, tc := range []struct {
		name  string
		limit int
		ok    bool
	}{
		{"far above", 1 << 24, true},
		{"one above", len(body) + 1, true},
		{"exact", len(body), true},
		{"one below", len(body) - 1, false},
		{"far below", 10, false},
		{"nothing", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, spare := range []int{0, 5, 1 << 17} {
				dst := append(make([]byte, 0, 6+spare), "before"...)
				out, err := wire.Inflate(dst, compressed, tc.limit)
				if !tc.ok {
					require.ErrorIs(t, err, wire.ErrTooLarge)
					require.Equal(t, "before", string(out))
					continue
				}
				require.NoError(t, err)
				require.Equal(t, "before", string(out[:6]))
				require.Equal(t, body, out[6:])
			}
		})
	}
}

func TestInflateMalformed(t *testing.T) {
	body := text(300)
	good := deflated(t, body)
	broken := map[string][]byte{
		"nothing":           {},
		"not zlib":          []byte("hello world"),
		"gzip":              {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"trailing byte":     append(slices.Clone(good), 0),
		"two streams":       slices.Concat(good, good),
		"wrong checksum":    append(slices.Clone(good[:len(good)-1]), good[len(good)-1]^1),
		"preset dictionary": {0x78, 0xbb, 0, 0, 0, 1, 3, 0, 0, 0, 0, 1},
		"reserved block":    {0x78, 0x9c, 7, 0, 0, 0, 0, 1},
	}
	for n := range good {
		require.NotContains(t, broken, string(good[:n]))
		_, err := wire.Inflate(nil, good[:n], 1<<20)
		require.ErrorIs(t, err, wire.ErrMalformed, "cut to %d bytes", n)
	}
	for name, compressed := range broken {
		t.Run(name, func(t *testing.T) {
			out, err := wire.Inflate([]byte("before"), compressed, 1<<20)
			require.ErrorIs(t, err, wire.ErrMalformed)
			require.Equal(t, "before", string(out))
		})
	}
	out, err := wire.Inflate(nil, good, 1<<20) // the pool must not remember what went wrong
	require.NoError(t, err)
	require.Equal(t, body, out)
}

// TestInflateBomb inflates a small frame that holds a thousand times its size. Defect 8: the reference took a gigabyte.
func TestInflateBomb(t *testing.T) {
	const limit = 64 << 10
	var bomb bytes.Buffer
	w := zlib.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 8 {
		_, err := w.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.Less(t, bomb.Len(), 16<<10)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := wire.Inflate(nil, bomb.Bytes(), limit)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, wire.ErrTooLarge)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*limit), "bytes allocated for a bomb")
}

// TestInflateGrows inflates what no estimate foresees, into a slice that has no room, around the sizes at which the way
// changes in which memory is taken.
func TestInflateGrows(t *testing.T) {
	const mib = 1 << 20
	for _, size := range []int{mib - 1, mib, mib + 1, 2 * mib, 2*mib + 1, 5 * mib} {
		body := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		compressed := deflated(t, body)
		for _, before := range []int{0, 3, mib} {
			dst := bytes.Repeat([]byte{42}, before)
			out, err := wire.Inflate(dst, compressed, size)
			require.NoError(t, err)
			require.Equal(t, dst, out[:before])
			require.True(t, bytes.Equal(body, out[before:]))
			require.LessOrEqual(t, cap(out), before+3*size)
			out, err = wire.Inflate(dst, compressed, size-1)
			require.ErrorIs(t, err, wire.ErrTooLarge)
			require.Equal(t, dst, out)
		}
		broken := bytes.Clone(compressed)
		broken[len(broken)-1]++ // the checksum is known only when everything was inflated
		_, err := wire.Inflate(nil, broken, size)
		require.ErrorIs(t, err, wire.ErrMalformed)
	}
}
