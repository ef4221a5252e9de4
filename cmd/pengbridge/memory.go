package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// collectorShare divides the budget: a quarter of it is how much garbage there may be besides.
	collectorShare = 4
	// fixedMemory is how many bytes a sidecar takes that are not in the budget: code, stacks, pooled buffers.
	fixedMemory = 128 << 20
	// smallProcess is the footprint in bytes up to which nothing is worth giving back.
	smallProcess = 64 << 20
	// memoryTick is how often giveBackMemory looks.
	memoryTick = 3 * time.Second
)

// limitMemory makes the garbage collector work harder when the process gets larger than its budget and a quarter: left alone, it
// lets the process become twice as large as what it holds. GOMEMLIMIT in the environment takes precedence.
func limitMemory(budget int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(budget + budget/collectorShare + fixedMemory)
	}
}

// footprint is what the process takes at one moment.
type footprint struct {
	collections uint64 // so far
	bytes       uint64
}

// giveBackMemory returns memory to the system, by free, when the process was busy and is not any more. It looks at each tick,
// until stop is closed. Without it, a sidecar that is idle after an attack stays large for minutes: the collector runs when
// memory is allocated, and otherwise every two minutes.
func giveBackMemory(stop <-chan struct{}, ticks <-chan time.Time, look func() footprint, free func()) {
	before, busy := look(), false
	for {
		select {
		case <-stop:
			return
		case <-ticks:
		}
		now := look()
		switch {
		case now.collections != before.collections:
			busy = true
		case busy && now.bytes > smallProcess:
			free()
			now, busy = look(), false
		}
		before = now
	}
}

// takeFootprint asks the runtime for the footprint.
func takeFootprint() footprint {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return footprint{samples[0].Value.Uint64(), samples[1].Value.Uint64() - samples[2].Value.Uint64()}
}

// freeMemory collects twice, because pools keep what they have over one collection.
func freeMemory() {
	runtime.GC()
	runtime.GC()
}
