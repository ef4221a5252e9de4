//go:build linux && interop

package main

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// tiny is just enough for everything to be run through.
var tiny = sizes{
	Rounds: 1, Warmup: time.Millisecond, Duration: 5 * time.Millisecond,
	Patience: ownPatience, Trial: time.Minute,
	Handshakes: 5, Broadcasts: 1,
	Connections: []int{1, 10},
	Bodies:      []int{16, 4 << 10},
}

// TestMain lets this program be the servers that the runner starts of it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// program returns what a variable names, or else what make builds.
func program(t *testing.T, variable, built string) string {
	path := cmp.Or(os.Getenv(variable), built)
	require.FileExists(t, path, "run `make build venv interop-env`, or set %s", variable)
	return path
}

// smoke runs some scenarios with some contenders, and returns the report as it is published.
func smoke(t *testing.T, wanted func(scenario) bool, who ...contender) (published report) {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each server takes a second to end
	table, err := tiny.scenarios()
	require.NoError(t, err)
	table = slices.DeleteFunc(table, func(s scenario) bool { return !wanted(s) })
	for i := range table {
		table[i].Contenders = slices.DeleteFunc(slices.Clone(table[i].Contenders), func(c contender) bool {
			return !slices.Contains(who, c)
		})
	}
	r := runner{sizes: tiny, scenarios: table, programs: programs{
		Binary:          program(t, "PENGBRIDGE_BINARY", "../bin/pengbridge"),
		Python:          program(t, "PENGBRIDGE_PYTHON", "../.venv/bin/python"),
		ReferencePython: program(t, "PENGBRIDGE_REFERENCE_PYTHON", "../.interop/bin/python"),
		Application:     "application.py",
	}}
	rep := r.run(t.Context())
	require.Empty(t, rep.failures())
	folder := t.TempDir()
	require.NoError(t, rep.write(folder))
	require.FileExists(t, filepath.Join(folder, "results.md"))
	data, err := os.ReadFile(filepath.Join(folder, "results.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &published))
	require.Len(t, published.Scenarios, len(table))
	return published
}

// TestEveryScenario runs everything there is with those that start in no time.
func TestEveryScenario(t *testing.T) {
	report := smoke(t, func(scenario) bool { return true }, golang, raw)
	for _, s := range report.Scenarios {
		for who, res := range s.Results {
			require.Contains(t, res.Medians, s.Metric, "%s, %s", s.Key, who)
		}
	}
	require.NotEmpty(t, report.Goals)
}

// TestPythonApplication runs one scenario with either library in Python.
func TestPythonApplication(t *testing.T) {
	report := smoke(t, func(s scenario) bool { return s.Key == "latency" }, reference, python)
	for _, who := range []contender{reference, python} {
		res := report.Scenarios[0].Results[who]
		require.Contains(t, res.Medians, p99, "%s: %v", who, res.Notes)
		require.Contains(t, res.Medians, appCPU)
		_, measured := res.Medians[sidecarCPU] // it may be 0: the kernel counts a running thread now and then only
		require.Equal(t, who == python, measured)
	}
}
