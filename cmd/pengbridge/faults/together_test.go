//go:build unix

package faults

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostMemory is more than a sidecar takes that has nothing to do: 30 to 50 MiB usually, and no more than 64 MiB that it does
// not give back and what its code takes. If each run left 2 MiB behind, all of them together would leave more.
const mostMemory = 112 << 20

// TestRunsInOneSidecar performs schedules one after the other in one sidecar. Nothing of what each of them leaves adds up.
func TestRunsInOneSidecar(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := startSidecar(ctx, "unix")
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	first := rand.Uint64N(1 << 40)
	for n := range uint64(runsTogether) {
		schedule := newSchedule(first + n)
		schedule.outlived()
		require.NoError(t, perform(ctx, schedule, s), "a schedule from seed %d on, number %d", first, n)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	require.NoError(t, eventually(ctx, "memory to be given back", func() bool {
		now, err := s.measure(ctx)
		return err == nil && now.memory < mostMemory
	}))
	require.NoError(t, s.end(ctx))
}
