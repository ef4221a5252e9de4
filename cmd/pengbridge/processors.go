package main

import (
	"os"
	"runtime"
)

// leaveProcessor lets Go have all processors but one, which is that of the program beside a spawned sidecar. With all of them,
// a goroutine that wakes another also wakes a thread, which takes the processor on which the program was about to answer: on
// two, busy with other things as well, an echo through a Python application took 147 us instead of 82 (p50, measured in
// turn), and more packets in flight gained nothing by the second one. GOMAXPROCS in the environment wins.
func leaveProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)-1))
	}
}
