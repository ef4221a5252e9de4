//go:build !windows

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// running is an application in a process group of its own, and the peer that it waits for.
type running struct {
	*exec.Cmd
	place
	stdout *bufio.Reader
	stderr *bytes.Buffer
	got    chan int // the numbers that the peer received
}

// play starts an application that will end as told, and joins it.
func play(t *testing.T, how string) *running {
	t.Helper()
	t.Setenv(client.BinaryVariable, program(t, "pengbridge"))
	heedSignals(t)
	r := &running{Cmd: exec.CommandContext(timeout(t), program(t, "application"), how), stderr: new(bytes.Buffer), got: make(chan int, numbers)}
	r.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.Stderr = r.stderr
	r.WaitDelay = wait
	stdout, err := r.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, r.Start())
	t.Cleanup(func() { _ = syscall.Kill(-r.Process.Pid, syscall.SIGKILL) })
	r.stdout = bufio.NewReader(stdout)
	line, err := r.stdout.ReadBytes('\n')
	require.NoError(t, err, "%s", r.stderr)
	require.NoError(t, json.Unmarshal(line, &r.place))

	peer, err := endpoint.Dial(timeout(t), fmt.Sprintf("127.0.0.1:%d", r.Port), endpoint.ClientOptions{
		Options:       endpoint.Options{Packets: []packet.Type{{Name: "test:count"}}, Events: event.Func(r.take)},
		WaitHandshake: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = peer.Stop()
		receive(t, peer.Done())
	})
	require.NoError(t, peer.Send(0, packet.Name("test:count"), msgp.AppendInt(nil, 0)))
	return r
}

// heedSignals lets children end by the signals that this process may have been told to ignore, as nohup does: those that are
// caught have their default meaning again in what is started.
func heedSignals(t *testing.T) {
	t.Helper()
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(caught) })
}

func (r *running) take(e event.Event) {
	if e.Type == event.ClientRecv && e.Packet == "test:count" {
		n, _, _ := msgp.ReadIntBytes(e.Body)
		r.got <- n
	}
}

// finish waits for both ends and returns the application's exit code; -1 after a signal.
func (r *running) finish(t *testing.T) int {
	t.Helper()
	_, err := io.Copy(io.Discard, r.stdout)
	require.NoError(t, err)
	_ = r.Wait() // the code is what counts
	require.Eventually(t, func() bool { return hasEnded(r.PID) }, wait, 5*time.Millisecond, "the sidecar lives on")
	return r.ProcessState.ExitCode()
}

// hasEnded reports whether a process has ended, even if its new parent has yet to wait for it.
func hasEnded(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}

// TestEndsOfAGoApplication ends applications in every way there is: the sidecar ends, too, and after an orderly end the peer
// has all that was sent.
func TestEndsOfAGoApplication(t *testing.T) {
	for how, code := range map[string]int{"close": 0, "7": 7, "panic": 2} {
		t.Run(how, func(t *testing.T) {
			r := play(t, how)
			require.Equal(t, code, r.finish(t), "%s", r.stderr)
			for n := 0; n < numbers && how == "close"; n++ {
				require.Equal(t, n, receive(t, r.got))
			}
		})
	}
	for name, send := range map[string]func(pid int) error{
		"SIGKILL":            func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) },
		"SIGINT to them all": func(pid int) error { return syscall.Kill(-pid, syscall.SIGINT) },
		"SIGHUP to them all": func(pid int) error { return syscall.Kill(-pid, syscall.SIGHUP) },
	} {
		t.Run(name, func(t *testing.T) {
			r := play(t, "wait")
			_, err := r.stdout.ReadString('\n')
			require.NoError(t, err)
			require.NoError(t, send(r.Process.Pid))
			require.Equal(t, -1, r.finish(t))
		})
	}
}

// TestAGoApplicationOutlivesItsSidecar kills the sidecar: everything that needs it fails instead of hanging, and there can be
// another one.
func TestAGoApplicationOutlivesItsSidecar(t *testing.T) {
	r := play(t, "outlive")
	_, err := r.stdout.ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(r.PID, syscall.SIGKILL))
	require.Zero(t, r.finish(t), "%s", r.stderr)
}

// TestWhatBothLeftIsRemoved kills a sidecar and its parent at once: neither can remove the socket, the next one does.
func TestWhatBothLeftIsRemoved(t *testing.T) {
	parent := exec.Command(program(t, "middleman"), program(t, "pengbridge"))
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	var ready launch.Ready
	require.NoError(t, json.NewDecoder(stdout).Decode(&ready))
	require.NoError(t, parent.Process.Signal(syscall.SIGSTOP)) // so that it does not see its sidecar end
	require.NoError(t, syscall.Kill(ready.PID, syscall.SIGKILL))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	dir := filepath.Dir(socket(t, ready))
	require.DirExists(t, dir)

	require.NoError(t, start(t, launch.Command{}).Close())
	assert.NoDirExists(t, dir)
}

// TestSidecarsLeaveNothingInTheirParent starts sidecars and ends them well or badly: files and children are as before. That
// goroutines are, too, is checked for all tests.
func TestSidecarsLeaveNothingInTheirParent(t *testing.T) {
	live := func(kill bool) {
		sidecar, err := client.Spawn(timeout(t), client.SpawnOptions{Binary: program(t, "pengbridge")})
		require.NoError(t, err)
		info, err := sidecar.API.GetInfo(timeout(t), &pb.GetInfoRequest{})
		require.NoError(t, err)
		if kill {
			require.NoError(t, syscall.Kill(int(info.GetPid()), syscall.SIGKILL))
			receive(t, sidecar.Done())
		}
		require.Equal(t, kill, sidecar.Close() != nil)
		require.ErrorIs(t, syscall.Kill(int(info.GetPid()), 0), syscall.ESRCH, "it was waited for")
	}
	live(false)
	before := openFiles(t)
	for n := range 6 {
		live(n%2 == 1)
	}
	require.Eventually(t, func() bool { return openFiles(t) <= before }, wait, 5*time.Millisecond)
}

// openFiles returns how many files this process has open; 0 where there is no telling.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return len(files)
}
