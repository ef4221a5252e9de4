//go:build unix

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// patience bounds everything that a run waits for. It takes milliseconds; only a hang takes that long.
	patience = 200 * time.Second
	// grace is how long the application may be away: more than a process needs to begin, and less than patience, because one
	// that did not get the processor when it said goodbye may have left its last events unacknowledged.
	grace = 60 * time.Second
	// shutdownTimeout is more than a peer that reads needs, however busy the machine.
	shutdownTimeout = 60 * time.Second
	// atOnce is how many runs are under way: they wait for each other's processes more than they compute.
	atOnce = 6
)

// TestFaults performs many schedules. The environment can say which (FAULTS_SEED), how many (FAULTS_RUNS) or for how long
// (FAULTS_TIME).
func TestFaults(t *testing.T) {
	t.Parallel()
	seed, runs := environment(t, "FAULTS_SEED"), environment(t, "FAULTS_RUNS")
	switch {
	case seed != 0:
		runs = max(runs, 1)
	default:
		seed = rand.Uint64N(1 << 40)
		if runs == 0 {
			runs = manyRuns
		}
	}
	ctx := t.Context()
	if limit := os.Getenv("FAULTS_TIME"); limit != "" {
		duration, err := time.ParseDuration(limit)
		require.NoError(t, err)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, duration)
		defer cancel()
		runs = 1 << 62
	}
	performAll(ctx, t, seed, runs)
}

// performAll performs the schedules from a seed on, until ctx ends or one of them fails.
func performAll(ctx context.Context, t *testing.T, seed, runs uint64) {
	var next, done atomic.Uint64
	var workers sync.WaitGroup
	began := time.Now()
	for range atOnce {
		workers.Go(func() {
			for !t.Failed() && ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= runs {
					return
				}
				if err := perform(context.WithoutCancel(ctx), scheduled(seed+n), nil); err != nil {
					t.Errorf("replay with: FAULTS_SEED=%d go test ./cmd/pengbridge/faults -run TestFaults\n%v", seed+n, err)
				}
				if d := done.Add(1); d%100 == 0 && testing.Verbose() {
					fmt.Printf("%d runs in %v\n", d, time.Since(began).Round(time.Second))
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d runs from seed %d on", done.Load(), seed)
}

// scheduled returns a seed's schedule, with an application in Python if FAULTS_PYTHON names an interpreter that has ours.
func scheduled(seed uint64) schedule {
	s := newSchedule(seed)
	if python := os.Getenv("FAULTS_PYTHON"); python != "" {
		s.inPython(python)
	}
	return s
}

// environment returns a number from the environment, 0 if it is not there.
func environment(t *testing.T, name string) uint64 {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseUint(value, 10, 64)
	require.NoError(t, err, name)
	return n
}
