package main

import (
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"time"
)

// A goroutine that wakes another one also wakes a thread on an idle processor, which looks for work and seldom finds any. Beside a
// sidecar there is always a program that needs this processor more: on two of them, 100 connections with one packet in flight each
// get an eighth more answers if the sidecar keeps to one, and an answer costs it a fifth less. So it does, until one is not enough.

const (
	// processorTick is how often that is decided: for so long others may have to wait beside a body that inflates.
	processorTick = 100 * time.Millisecond
	// fullProcessor is the use, in processors, for which one is not enough.
	fullProcessor = 0.95
	// scarceWait is how long a goroutine has to wait for the only processor so that one is not enough. Among 100 busy connections
	// none was seen to wait for 1 ms. Of a lower limit, a machine that others use as well makes too much.
	scarceWait = 5 * time.Millisecond
	// processorCalm is for how long all must have done less than that, until one has to do again. Where hundreds connect in the same
	// moment of each second, one that is tried again after a second is too few again at once, and answers take 24 ms in place of 3.
	processorCalm = 10 * time.Second
)

// work is what the process had done at one moment.
type work struct {
	at   time.Time
	used time.Duration // of all processors
	late uint64        // how many goroutines waited for a processor for longer than scarceWait; the runtime looks at one in eight
}

// since returns how many processors were in use since an earlier moment, and whether goroutines waited for one.
func (w work) since(before work) (used float64, waited bool) {
	return float64(w.used-before.used) / float64(w.at.Sub(before.at)), w.late > before.late
}

// scale decides on how many processors Go runs: on one or on all.
type scale struct {
	all    int
	many   bool
	before work // when it last decided
}

// decide returns how many it should be from now on. One may be too few at any moment; whether all are too many shows after a while.
func (s *scale) decide(now work) int {
	if !s.many || now.at.Sub(s.before.at) >= processorCalm {
		used, waited := now.since(s.before)
		s.many = used >= fullProcessor || waited
		s.before = now
	}
	if s.many {
		return s.all
	}
	return 1
}

// keepToOneProcessor starts to keep to one processor as long as that is enough, until stop is called.
func keepToOneProcessor() (stop func()) {
	if processorsGiven() {
		return func() {}
	}
	return eachTick(processorTick, varyProcessors)
}

// varyProcessors lets Go run on one processor as long as that is enough, and otherwise on all. It decides at each tick, until stop
// is closed; then there are all again.
func varyProcessors(stop <-chan struct{}, ticks <-chan time.Time) {
	runs := runtime.GOMAXPROCS(0)
	look := workDone()
	s := scale{all: runs, before: look()}
	run := func(n int) {
		if n != runs { // a change stops everything for a moment
			runtime.GOMAXPROCS(n)
			runs = n
		}
	}
	defer run(s.all)
	for run(1); ; run(s.decide(look())) {
		select {
		case <-stop:
			return
		case <-ticks:
		}
	}
}

// processorsGiven reports whether the environment says how many processors there are. Then there is nothing to vary, and neither
// if there is only one.
func processorsGiven() bool { return os.Getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) == 1 }

// workDone returns a function that asks the system and the runtime.
func workDone() func() work {
	samples := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	return func() work {
		metrics.Read(samples)
		waits, late := samples[0].Value.Float64Histogram(), uint64(0)
		for i, count := range waits.Counts {
			if begin := waits.Buckets[i]; !math.IsInf(begin, 0) && begin >= scarceWait.Seconds() {
				late += count
			}
		}
		return work{time.Now(), processorTime(), late}
	}
}
