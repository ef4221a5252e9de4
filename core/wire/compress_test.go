package wire_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/wire"
)

func TestAppendPacketCompresses(t *testing.T) {
	random := make([]byte, 10_000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	standard := wire.DefaultCompression()
	for _, tc := range []struct {
		name       string
		c          wire.Compression
		body       []byte
		compressed bool
	}{
		{"below the threshold", standard, text(8191), false},
		{"at the threshold", standard, text(8192), false},
		{"above the threshold", standard, text(8193), true},
		{"disabled", wire.Compression{Disabled: true, Level: 6}, text(8193), false},
		{"threshold 0", wire.Compression{Level: 6}, []byte{7}, true},
		{"larger than before", standard, random, true},
		{"stored", wire.Compression{}, text(9000), true},
		{"fastest", wire.Compression{Level: 1}, text(9000), true},
		{"smallest", wire.Compression{Level: 9}, text(9000), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, tc.c.Validate())
			out, err := tc.c.AppendPacket([]byte("before"), 70, tc.body)
			require.NoError(t, err)
			rest, ok := bytes.CutPrefix(out, []byte("before"))
			require.True(t, ok)
			f := decodeOne(t, rest)
			require.Equal(t, uint32(70), f.ID)
			if !tc.compressed {
				require.Zero(t, f.Flags)
				require.Equal(t, tc.body, f.Body)
				return
			}
			require.Equal(t, wire.FlagCompressed, f.Flags)
			body, err := wire.Inflate(nil, f.Body, len(tc.body))
			require.NoError(t, err)
			require.Equal(t, tc.body, body)
		})
	}
}

func TestAppendPacketRefusesNothing(t *testing.T) {
	before := []byte("before")
	out, err := wire.DefaultCompression().AppendPacket(before, 64, nil)
	require.ErrorIs(t, err, wire.ErrMalformed)
	require.Equal(t, before, out)
}

func TestCompressionValidate(t *testing.T) {
	for _, tc := range []struct {
		c       wire.Compression
		problem string
	}{
		{wire.DefaultCompression(), ""},
		{wire.Compression{}, ""},
		{wire.Compression{Threshold: 16 << 20, Level: 9}, ""},
		{wire.Compression{Threshold: -1}, "threshold_bytes is -1"},
		{wire.Compression{Threshold: 16<<20 + 1}, "threshold_bytes is 16777217"},
		{wire.Compression{Level: -1}, "level is -1"},
		{wire.Compression{Level: 10}, "level is 10"},
		{wire.Compression{Level: 10, Disabled: true}, "level is 10"},
	} {
		err := tc.c.Validate()
		if tc.problem == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, tc.problem)
	}
}

// TestCompressionAtOnce shares the pools between goroutines, for the race detector.
func TestCompressionAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := wire.Compression{Level: i % 3 * 3}
			body := []byte(strings.Repeat(string(rune('a'+i)), 20_000))
			for range 20 {
				frame, err := c.AppendPacket(nil, 64, body)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := wire.Inflate(nil, frame[wire.LengthSize+wire.HeaderSize:], len(body))
				if err != nil || !bytes.Equal(body, got) {
					t.Errorf("goroutine %d got another body back, or %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
