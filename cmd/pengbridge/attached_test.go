//go:build !windows

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// attached is a sidecar that was started by hand.
type attached struct {
	ready   launch.Ready
	tokens  string // file
	log     *bufio.Reader
	command *exec.Cmd
}

// serve starts the command with a token file, and more arguments, and waits for its ready file.
func serve(t *testing.T, args ...string) *attached {
	t.Helper()
	stderr, write, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = stderr.Close() })
	a := serveInto(t, write, args...)
	a.log = bufio.NewReader(stderr)
	return a
}

// serveInto does the same with a stderr that becomes the command's alone.
func serveInto(t *testing.T, stderr *os.File, args ...string) *attached {
	t.Helper()
	a := &attached{tokens: filepath.Join(t.TempDir(), "tokens")}
	require.NoError(t, launch.WriteTokenFile(a.tokens, launch.Token{Secret: launch.NewSecret(), Owner: "game"}))
	readyFile := filepath.Join(t.TempDir(), "ready.json")
	args = append([]string{"serve", "--token-file", a.tokens, "--ready-file", readyFile}, args...)
	a.command = exec.CommandContext(t.Context(), program(t, "pengbridge"), args...)
	a.command.Stderr = stderr
	require.NoError(t, a.command.Start())
	t.Cleanup(func() { _ = a.command.Wait() })
	require.NoError(t, stderr.Close())
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(readyFile)
		return err == nil && json.Unmarshal(data, &a.ready) == nil
	}, wait, 5*time.Millisecond)
	assert.Equal(t, a.command.Process.Pid, a.ready.PID)
	return a
}

// end asks the sidecar to end, and expects it to end well.
func (a *attached) end(t *testing.T) {
	t.Helper()
	require.NoError(t, a.command.Process.Signal(syscall.SIGTERM))
	_, err := io.Copy(io.Discard, a.log)
	require.NoError(t, err)
	require.NoError(t, a.command.Wait())
}

// metricsURL returns where the sidecar says that its metrics are.
func (a *attached) metricsURL(t *testing.T) string {
	t.Helper()
	for {
		line, err := a.log.ReadString('\n')
		require.NoError(t, err)
		if url := regexp.MustCompile(`http://[^ \n]*/metrics`).FindString(line); url != "" {
			return url
		}
	}
}

func TestServeMetrics(t *testing.T) {
	a := serve(t, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--memory-budget", "64MiB")
	url := a.metricsURL(t)
	sidecar, err := client.Attach(timeout(t), a.ready.Address, client.AttachOptions{TokenFile: a.tokens})
	require.NoError(t, err)
	require.NoError(t, sidecar.Close())

	request, err := http.NewRequestWithContext(timeout(t), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	http.DefaultClient.CloseIdleConnections()
	for _, name := range []string{"go_goroutines", "process_start_time_seconds", "grpc_server_handled_total", "pengbridge_memory_budget_bytes 6.7108864e+07"} {
		assert.True(t, bytes.Contains(body, []byte(name)), name)
	}
	a.end(t)
}
