package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1KiB": 1 << 10, "512MiB": 512 << 20, "1GiB": 1 << 30, "8589934591GiB": 1<<63 - 1<<30,
	} {
		var size byteSize
		require.NoError(t, size.UnmarshalText([]byte(text)), text)
		assert.Equal(t, want, int64(size), text)
	}
	for _, text := range []string{"", "1", "GiB", "1GB", "1 GiB", "1.5GiB", "0MiB", "-1MiB", "8589934592GiB", "9223372036854775808KiB"} {
		var size byteSize
		assert.ErrorContains(t, size.UnmarshalText([]byte(text)), "512MiB", text)
		assert.Zero(t, size, text)
	}
}
