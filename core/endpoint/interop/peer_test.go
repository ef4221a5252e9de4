//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// patience bounds every wait for the reference. It is generous: a Python that starts beside other tests takes its time.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reference is a process that runs the reference library. Its methods are for the test's goroutine.
type reference struct {
	t       *testing.T
	process *os.Process
	stdin   *json.Encoder
	reports <-chan report
	passed  []report // read while waiting for another one
}

// report is a line from testdata/peer.py.
type report struct {
	Event    string            `json:"event"`
	Release  string            `json:"release"`
	Protocol int               `json:"protocol"`
	Port     int               `json:"port"`
	Cid      uint64            `json:"cid"`
	Packet   string            `json:"packet"`
	Body     []byte            `json:"body"`
	Reason   *string           `json:"reason"`
	Registry map[string]uint32 `json:"registry"`
	Detail   string            `json:"detail"`
}

// command is a line to testdata/peer.py.
type command map[string]any

// startReference starts the reference; it ends with the test.
func startReference(t *testing.T) *reference {
	t.Helper()
	cmd := exec.Command(referencePython(t), filepath.Join("testdata", "peer.py"), "peng3dnet")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())

	reports := make(chan report, 1024)
	var reading sync.WaitGroup
	reading.Go(func() { // ends with the process
		defer close(reports)
		readReports(stdout, reports)
	})
	t.Cleanup(func() {
		_ = stdin.Close() // it may have ended already
		stubborn := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer stubborn.Stop()
		for range reports { // so that reading can end
		}
		reading.Wait()
		_ = cmd.Wait() // how it ends does not matter: what it does until then is tested
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("the reference's stderr:\n%s", stderr.String())
		}
	})
	r := &reference{t: t, process: cmd.Process, stdin: json.NewEncoder(stdin), reports: reports}
	hello := r.await("hello")
	t.Logf("reference: peng3dnet %s, protocol %d", hello.Release, hello.Protocol)
	return r
}

// referencePython returns the Python that has the reference library.
func referencePython(t *testing.T) string {
	python := os.Getenv("PENGBRIDGE_REFERENCE_PYTHON")
	if python == "" {
		python = filepath.Join("..", "..", "..", ".interop", "bin", "python")
	}
	require.FileExists(t, python,
		"the reference library's Python is missing: run `make interop-env`, or set PENGBRIDGE_REFERENCE_PYTHON")
	return python
}

func readReports(from io.Reader, to chan<- report) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		r := report{Event: "unreadable", Detail: string(line)}
		_ = json.Unmarshal(line, &r) // a line that is no report shows up as unreadable
		to <- r
	}
}

// do tells the reference what to do.
func (r *reference) do(c command) {
	r.t.Helper()
	require.NoError(r.t, r.stdin.Encode(c))
}

// await returns the next report of a kind. Others are kept for later calls.
func (r *reference) await(kind string) report {
	r.t.Helper()
	for i, rep := range r.passed {
		if rep.Event == kind {
			r.passed = append(r.passed[:i], r.passed[i+1:]...)
			return rep
		}
	}
	deadline := time.After(patience)
	for {
		select {
		case rep, ok := <-r.reports:
			require.True(r.t, ok, "the reference ended while %q was awaited", kind)
			require.NotContains(r.t, []string{"failed", "unreadable"}, rep.Event, rep.Detail)
			if rep.Event == kind {
				return rep
			}
			r.passed = append(r.passed, rep)
		case <-deadline:
			require.FailNow(r.t, "the reference did not report "+kind)
		}
	}
}

// serve opens a server and returns its address. more are arguments of open_peer.
func (r *reference) serve(more command) string {
	r.t.Helper()
	r.do(with(command{"do": "open", "side": "server", "address": "127.0.0.1:0"}, more))
	return loopback(r.await("listening").Port)
}

// connect opens a client. Whether its handshake succeeds is for the caller to await.
func (r *reference) connect(address string, more command) {
	r.t.Helper()
	r.do(with(command{"do": "open", "side": "client", "address": address}, more))
}

func with(c, more command) command {
	for k, v := range more {
		c[k] = v
	}
	return c
}
