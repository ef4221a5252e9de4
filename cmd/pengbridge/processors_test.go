package main

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestScale: one processor until it is full or somebody waits for it, then all until one would do.
func TestScale(t *testing.T) {
	const all = 4
	const calm = int(processorCalm / processorTick)
	type tick struct {
		used float64 // processors
		late uint64  // who waited
		want int
	}
	for _, test := range []struct {
		name  string
		ticks []tick
	}{
		{"almost full", []tick{{0, 0, 1}, {0.9, 0, 1}, {0.94, 0, 1}}},
		{"full", []tick{{0.5, 0, 1}, {0.95, 0, all}}},
		{"somebody waits", []tick{{0.1, 0, 1}, {0.1, 1, all}}},
		{"all until one would do", slices.Concat(
			[]tick{{1, 0, all}}, slices.Repeat([]tick{{3, 0, all}}, calm), // work for three
			slices.Repeat([]tick{{0.94, 0, all}}, calm-1), []tick{{0.94, 0, 1}, {0.94, 0, 1}})},
		{"all of one and no more", slices.Concat([]tick{{1, 0, all}}, slices.Repeat([]tick{{1, 0, all}}, 3*calm))},
		{"and back again", slices.Concat(
			[]tick{{1, 0, all}}, slices.Repeat([]tick{{0.9, 0, all}}, calm-1), []tick{{0.9, 0, 1}, {1, 0, all}})},
		{"somebody waits for one of all", slices.Concat(
			[]tick{{1, 0, all}, {0.5, 1, all}}, slices.Repeat([]tick{{0.5, 0, all}}, 2*calm-2), []tick{{0.5, 0, 1}})},
		{"the time counts on the whole", slices.Concat(
			[]tick{{1, 0, all}, {10, 0, all}}, slices.Repeat([]tick{{0.9, 0, all}}, 2*calm-2), []tick{{0.9, 0, 1}})},
	} {
		t.Run(test.name, func(t *testing.T) {
			var now work
			s := scale{all: all}
			for i, tick := range test.ticks {
				now.at = now.at.Add(processorTick)
				now.used += time.Duration(tick.used * float64(processorTick))
				now.late += tick.late
				require.Equal(t, tick.want, s.decide(now), "after tick %d", i)
			}
		})
	}
}

// TestVaryProcessors: it begins with one, has all while there is work for more, and leaves all behind.
func TestVaryProcessors(t *testing.T) {
	for _, busy := range []bool{false, true} {
		t.Run(fmt.Sprintf("busy %v", busy), func(t *testing.T) {
			const all = 3
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(all))
			stop, ticks, ended := make(chan struct{}), make(chan time.Time), make(chan struct{})
			go func() {
				defer close(ended)
				varyProcessors(stop, ticks)
			}()
			begin := time.Now()
			for runtime.GOMAXPROCS(0) != 1 { // without a tick
				require.Less(t, time.Since(begin), wait)
				runtime.Gosched()
			}
			for busy && runtime.GOMAXPROCS(0) != all {
				require.Less(t, time.Since(begin), wait)
				compute(scarceWait)
				ticks <- time.Time{}
			}
			close(stop)
			receive(t, ended)
			require.Equal(t, all, runtime.GOMAXPROCS(0))
		})
	}
}

func TestProcessorsGiven(t *testing.T) {
	for _, test := range []struct {
		environment string
		processors  int
		given       bool
	}{
		{"", 2, false},
		{"", 1, true},
		{"2", 2, true},
	} {
		t.Run(fmt.Sprintf("%q, %d", test.environment, test.processors), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(test.processors))
			t.Setenv("GOMAXPROCS", test.environment)
			require.Equal(t, test.given, processorsGiven())
		})
	}
}

// TestWorkDone: it is seen what a goroutine uses, and that others wait while it has the only processor.
func TestWorkDone(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	look := workDone()
	before := look()
	for begin := time.Now(); ; {
		ran := make(chan struct{})
		go close(ran)
		compute(2 * scarceWait)
		<-ran
		if used, waited := look().since(before); used > 0.01 && waited {
			return
		}
		require.Less(t, time.Since(begin), wait, "neither work nor waiting was seen")
	}
}

// compute keeps a processor busy.
func compute(duration time.Duration) {
	for begin := time.Now(); time.Since(begin) < duration; {
	}
}
