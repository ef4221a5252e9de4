package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// collectorShare is the part of the budget that the garbage collector may let lie about beside it: one in so many.
	collectorShare = 4
	// fixedMemory is what a sidecar takes that is not in the budget: code, stacks, pooled buffers.
	fixedMemory = 128 << 20
	// smallProcess is what is not worth giving back.
	smallProcess = 64 << 20
	// memoryTick is how often somebody looks whether there is something to give back.
	memoryTick = 3 * time.Second
)

// limitMemory makes the collector work harder before the process is larger than what it may hold and a share of it: left
// alone, it lets the process become twice as large. GOMEMLIMIT in the environment wins.
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

// giveBackMemory returns memory to the system, by free, when the process was busy and is not any more. It looks at each
// tick until stop is closed. Without it a sidecar that is idle after an attack stays large: the collector runs when
// something is allocated, and otherwise every two minutes.
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

// takeFootprint asks the runtime.
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
