package main

import (
	"os"
	"runtime"
)

// leaveProcessor lets Go have all processors but one, which is that of the program beside a spawned sidecar, and two where
// there are two. With all of them, a goroutine that wakes another also wakes a thread, which takes the processor on which the
// program was about to answer. With a single one, the collector's work for ten thousand connections, or a body that inflates,
// would be in everybody's way: the slowest of a hundred answers came after 15 ms instead of 5. GOMAXPROCS in the environment
// wins.
func leaveProcessor() {
	if has := runtime.GOMAXPROCS(0); has > 2 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(has - 1)
	}
}
