//go:build linux

package load

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCounterCountsWhateverTheSplit(t *testing.T) {
	stream := bytes.Join([][]byte{Frame(64, []byte{1}), Frame(65, make([]byte, 300)), Frame(66, []byte("last"))}, nil)
	for split := range stream {
		c := counter{keep: true}
		first, err := c.feed(stream[:split])
		require.NoError(t, err)
		second, err := c.feed(stream[split:])
		require.NoError(t, err)
		require.Equal(t, 3, first+second, "split at %d", split)
		require.Equal(t, "last", string(c.body()), "split at %d", split)
	}
}

func TestCounterRefuses(t *testing.T) {
	for name, stream := range map[string][]byte{
		"a frame that is too short": {0, 0, 0, 5, 0, 0, 0, 64},
		"a goodbye":                 Frame(closeConn, []byte{0xc0}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := new(counter).feed(stream)
			require.Error(t, err)
		})
	}
}

func TestSourceGoesOnWithinAFrame(t *testing.T) {
	frame := Frame(64, []byte("body"))
	s := repeat(frame)
	s.owed = 3 * len(frame)
	var written []byte
	for s.owed > 0 {
		piece := s.next()[:min(5, len(s.next()))] // the kernel takes little
		written = append(written, piece...)
		s.wrote(len(piece))
	}
	require.Equal(t, bytes.Repeat(frame, 3), written)

	s.owed = infinite
	s.wrote(len(frame) + 1)
	s.finish()
	require.Equal(t, frame[1:], s.next())
	s.wrote(len(frame) - 1)
	s.finish()
	require.Empty(t, s.next())
}
