package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequests(t *testing.T) {
	body := []byte("\x92\x01\xc3")
	count, data, err := readFlood(FloodBody(70000, body))
	require.NoError(t, err)
	require.Equal(t, 70000, count)
	require.Equal(t, body, data)

	for _, each := range []bool{false, true} {
		got, data, err := readBroadcast(BroadcastBody(each, body))
		require.NoError(t, err)
		require.Equal(t, each, got)
		require.Equal(t, body, data)
	}

	_, _, err = readFlood(BroadcastBody(true, body))
	require.ErrorContains(t, err, `"each" instead of "count"`)
	_, _, err = readBroadcast([]byte{0xc0})
	require.Error(t, err)
}
