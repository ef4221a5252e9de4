//go:build linux

package process

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUsageOfAChild(t *testing.T) {
	child := exec.Command("cat")
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	pid := child.Process.Pid
	require.Contains(t, Children(os.Getpid()), pid)
	require.Positive(t, CPU(pid))
	memory := ReadMemory(pid)
	require.Positive(t, memory.Peak)
	require.LessOrEqual(t, memory.Resident, memory.Peak)

	require.NoError(t, stdin.Close())
	require.NoError(t, child.Wait())
	require.Zero(t, CPU(pid))
	require.Zero(t, ReadMemory(pid))
	require.NotContains(t, Children(os.Getpid()), pid)
}

func TestMeter(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const burned = 20 * time.Millisecond
	m := NewMeter(os.Getpid())
	m.Start()
	for begin := thisThread(); thisThread() < begin+burned; { // compute
	}
	m.Stop()
	require.GreaterOrEqual(t, m.CPU(0), burned)
	require.GreaterOrEqual(t, m.Elapsed(), burned)
	require.GreaterOrEqual(t, m.Busy(), burned.Seconds()/m.Elapsed().Seconds())
	require.GreaterOrEqual(t, m.Others(), 0.0)
	require.LessOrEqual(t, m.Others(), 1.0)
}
