//go:build !windows

package launch

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leave makes a directory as a sidecar that was killed leaves it.
func leave(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o700))
	l, err := listenSocket(filepath.Join(dir, socketName))
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
}

func TestListenSweeps(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string) // of what a killed sidecar has left
		stays  bool
	}{
		"left behind": {func(*testing.T, string) {}, false},
		"somebody listens": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, socketName)))
			l, err := net.Listen("unix", filepath.Join(dir, socketName))
			require.NoError(t, err)
			t.Cleanup(func() { _ = l.Close() })
		}, true},
		"no socket":         {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, socketName))) }, true},
		"an ordinary file":  {func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, socketName)) }, true},
		"something else":    {func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, "mine")) }, true},
		"open to others":    {func(t *testing.T, dir string) { require.NoError(t, os.Chmod(dir, 0o755)) }, true},
		"somebody else's":   {giveAway, true},
		"a link to another": {linkElsewhere, true},
	} {
		t.Run(name, func(t *testing.T) {
			temp := shortDir(t)
			t.Setenv("TMPDIR", temp)
			dir := filepath.Join(temp, socketDirPrefix+"1")
			leave(t, dir)
			c.change(t, dir)
			l, err := Listen()
			require.NoError(t, err)
			require.NoError(t, l.Close())
			_, err = os.Lstat(dir)
			assert.Equal(t, c.stays, err == nil)
		})
	}
}

func overwrite(t *testing.T, path string) {
	t.Helper()
	_ = os.Remove(path)
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	t.Cleanup(func() { assert.FileExists(t, path) })
}

func giveAway(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give directories away")
	}
	require.NoError(t, os.Chown(dir, 12345, 12345))
}

func linkElsewhere(t *testing.T, dir string) {
	t.Helper()
	elsewhere := filepath.Join(filepath.Dir(dir), "elsewhere")
	require.NoError(t, os.Rename(dir, elsewhere))
	require.NoError(t, os.Symlink(elsewhere, dir))
	t.Cleanup(func() { assert.FileExists(t, filepath.Join(elsewhere, socketName)) })
}

// TestSweepLeavesTheStartingAlone starts and ends listeners while others sweep, which every start does, too.
func TestSweepLeavesTheStartingAlone(t *testing.T) {
	temp := shortDir(t)
	t.Setenv("TMPDIR", temp)
	done := make(chan struct{})
	var sweeping, starting sync.WaitGroup
	for range 2 {
		sweeping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					sweep(temp)
				}
			}
		})
	}
	for range 4 {
		starting.Go(func() {
			for range 100 {
				if !assert.NoError(t, listenOnce()) {
					return
				}
			}
		})
	}
	starting.Wait()
	close(done)
	sweeping.Wait()
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// listenOnce listens, makes sure that clients find it, and stops.
func listenOnce() error {
	l, err := Listen()
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", l.Addr().String())
	if err == nil {
		err = conn.Close()
	}
	if closeErr := l.Close(); err == nil {
		err = closeErr
	}
	return err
}
