package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/core/wire/wiretest"
)

// TestVectors takes every captured frame apart and puts it together again.
func TestVectors(t *testing.T) {
	for _, v := range wiretest.Vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			for _, want := range v.Frames {
				got := decodeOne(t, want.Bytes)
				require.Equal(t, want.ID, got.ID, want.Label)
				require.Equal(t, want.Flags, got.Flags, want.Label)
				require.Equal(t, want.Bytes, wire.AppendFrame(nil, got.ID, got.Flags, got.Body), want.Label)

				body := got.Body
				if got.Flags&wire.FlagCompressed != 0 {
					var err error
					body, err = wire.Inflate(nil, got.Body, want.BodySize)
					require.NoError(t, err, want.Label)
				}
				require.Len(t, body, want.BodySize, want.Label)

				// The compressor is another one than the reference's, so only its output may differ.
				packet, err := wire.DefaultCompression().AppendPacket(nil, want.ID, body)
				require.NoError(t, err, want.Label)
				again := decodeOne(t, packet)
				require.Equal(t, want.Flags, again.Flags, want.Label)
				if want.Flags == 0 {
					require.Equal(t, want.Bytes, packet, want.Label)
					continue
				}
				require.Equal(t, got.Body[:2], again.Body[:2], "zlib header")
				inflated, err := wire.Inflate(nil, again.Body, len(body))
				require.NoError(t, err, want.Label)
				require.Equal(t, body, inflated, want.Label)
			}
		})
	}
}

// decodeOne decodes bytes that are exactly one frame.
func decodeOne(t *testing.T, p []byte) wire.Frame {
	t.Helper()
	var d wire.Decoder
	d.Feed(p)
	f, ok, err := d.Next()
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, err = d.Next()
	require.NoError(t, err)
	require.False(t, ok)
	require.Zero(t, d.Pending())
	return f
}
