//go:build !windows

package launch

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// start runs this test binary as a sidecar that behaves as told.
func start(t *testing.T, behaviour string, c Command) (*Process, error) {
	t.Helper()
	t.Setenv(childEnv, behaviour)
	t.Setenv("TMPDIR", shortDir(t))
	var err error
	c.Path, err = os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	return Start(ctx, c)
}

func TestStartAndClose(t *testing.T) {
	var log bytes.Buffer
	p, err := start(t, "", Command{Stderr: &log})
	require.NoError(t, err)
	assert.Len(t, p.Token, 64)
	assert.Equal(t, "0.0.0", p.Ready.Version)
	assert.NotEqual(t, os.Getpid(), p.Ready.PID)
	assert.FileExists(t, strings.TrimPrefix(p.Ready.Address, "unix:"))
	require.NoError(t, p.Close())
	require.NoError(t, p.Close(), "closing again returns the same")
	assert.Equal(t, "the log\n", log.String())
}

func TestStartRefused(t *testing.T) {
	for behaviour, want := range map[string]string{
		"garbage": "not a ready line",
		"dies":    "no ready line: unexpected EOF (exit status 4)",
		"refuses": "refused to start: no room (exit status 4)",
	} {
		t.Run(behaviour, func(t *testing.T) {
			_, err := start(t, behaviour, Command{})
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestStartTakesNoLongerThanItsContext(t *testing.T) {
	t.Setenv(childEnv, "silent")
	path, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = Start(ctx, Command{Path: path})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestStartBinary(t *testing.T) {
	for path, want := range map[string]string{
		"pengbridge":                             "absolute path",
		"./pengbridge":                           "absolute path",
		filepath.Join(t.TempDir(), "pengbridge"): "no such file",
	} {
		_, err := Start(t.Context(), Command{Path: path})
		assert.ErrorContains(t, err, want)
	}
}

func TestCloseKillsWhatHangs(t *testing.T) {
	p, err := start(t, "hangs", Command{Drain: time.Millisecond})
	require.NoError(t, err)
	socket := strings.TrimPrefix(p.Ready.Address, "unix:")
	require.FileExists(t, socket)
	assert.ErrorContains(t, p.Close(), "signal: killed")
	<-p.Done()
	assert.NoDirExists(t, filepath.Dir(socket), "what a killed sidecar leaves is removed")
}
