//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// profiler records where a contender's processes spend their time, with Linux's perf.
type profiler struct {
	folder string // where recordings go; empty: there are none
}

// start begins to record, and returns what ends that.
func (p profiler) start(s scenario, c contender, server *server) (stop func(), err error) {
	if p.folder == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(p.folder, 0o755); err != nil { //nolint:gosec // profiles are for everybody
		return nil, err
	}
	pids := fmt.Sprint(server.app)
	if server.sidecar != 0 {
		pids = fmt.Sprintf("%s,%d", pids, server.sidecar)
	}
	file := filepath.Join(p.folder, fmt.Sprintf("%s-%s.perf", s.Key, c))
	perf := exec.Command("perf", "record", "--quiet", "--call-graph", "fp", "--output", file, "--pid", pids)
	perf.Stderr = os.Stderr
	if err := perf.Start(); err != nil {
		return nil, fmt.Errorf("recording a profile: %w", err)
	}
	return func() {
		_ = perf.Process.Signal(os.Interrupt) // or it has ended already
		_ = perf.Wait()                       // always an error after an interrupt
	}, nil
}
