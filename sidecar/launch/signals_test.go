//go:build !windows

package launch

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSignals(t *testing.T) {
	for name, c := range map[string]struct {
		spawned bool
		ignored []syscall.Signal
		asks    syscall.Signal
	}{
		"by hand": {false, []syscall.Signal{syscall.SIGPIPE}, syscall.SIGINT},
		"spawned": {true, []syscall.Signal{syscall.SIGPIPE, syscall.SIGINT, syscall.SIGHUP}, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			s := WatchSignals(c.spawned)
			defer s.Close()
			for _, sig := range c.ignored {
				raise(t, sig)
			}
			raise(t, c.asks)
			awaitClosed(t, s.Drain())
			requireOpen(t, s.Force())
			raise(t, syscall.SIGTERM)
			awaitClosed(t, s.Force())
		})
	}
}

func raise(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, syscall.Kill(os.Getpid(), sig))
}

func awaitClosed(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(wait):
		t.Fatal("the signal went unnoticed")
	}
}

func requireOpen(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
		t.Fatal("one signal was taken for two")
	default:
	}
}
