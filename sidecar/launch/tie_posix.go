//go:build !windows

package launch

import (
	"os"
	"syscall"
)

// tieLife has nothing to do here: the child sees the parent's end by itself.
func tieLife(*os.Process) (release func(), err error) { return func() {}, nil }

// wake continues the child if somebody has stopped it: otherwise it could neither deliver what it has nor end.
func wake(child *os.Process) { _ = child.Signal(syscall.SIGCONT) }
