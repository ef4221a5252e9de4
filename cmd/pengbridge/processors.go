package main

import (
	"os"
	"runtime"
)

// leaveProcessor leaves one processor to the program beside a spawned sidecar, if there are more than two. With all of them, a
// goroutine that wakes another also wakes a thread, which takes the processor on which the program was about to answer. With a
// single one, the collector's work for ten thousand connections, or a body that inflates, would be in everybody's way: the
// slowest of a hundred answers came after 15 ms instead of 5. GOMAXPROCS in the environment takes precedence.
func leaveProcessor() {
	if has := runtime.GOMAXPROCS(0); has > 2 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(has - 1)
	}
}
