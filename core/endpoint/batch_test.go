package endpoint

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShareOf: so few connections are not shared, and one processor is left to others when it would take long.
func TestShareOf(t *testing.T) {
	for _, test := range []struct{ n, processors, share int }{
		{0, 8, 0},
		{1, 8, 1},
		{255, 8, 255},
		{256, 1, 256},
		{256, 8, 128},
		{1000, 2, 500},
		{1001, 2, 501},
		{2048, 4, 512},
		{2049, 4, 683},
		{10000, 2, 10000},
		{10000, 1, 10000},
	} {
		require.Equal(t, test.share, shareOf(test.n, test.processors), "%+v", test)
	}
}
