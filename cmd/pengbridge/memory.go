package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// collectorShare is the part of the budget that the garbage collector may let lie about beside it: one in so many.
	collectorShare = 4
	// fixedMemory is what a sidecar takes that is not in the budget: code, stacks, pooled buffers.
	fixedMemory = 128 << 20
	// notedFall is how much less has to be held than before for memory to be given back to the system.
	notedFall = 64 << 20
	// memoryTick is how often that is looked at.
	memoryTick = 2 * time.Second
)

// limitMemory makes the collector work harder before the process is larger than what it may hold and a share of it: left
// alone, it lets the process become twice as large. GOMEMLIMIT in the environment wins.
func limitMemory(budget int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(budget + budget/collectorShare + fixedMemory)
	}
}

// giveBackMemory returns memory to the system, by free, when used has fallen much since it was highest. It looks at each
// tick until stop is closed. Without it a sidecar that is idle after an attack stays large: the collector runs when
// something is allocated, and otherwise every two minutes.
func giveBackMemory(stop <-chan struct{}, ticks <-chan time.Time, used func() int64, free func()) {
	for highest := int64(0); ; {
		select {
		case <-stop:
			return
		case <-ticks:
		}
		now := used()
		if highest = max(highest, now); highest-now >= notedFall {
			free()
			highest = now
		}
	}
}

// freeMemory collects twice, because pools keep what they have over one collection.
func freeMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}
