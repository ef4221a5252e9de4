//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profiler records where a contender's processes spend their time, with Linux's perf.
type profiler struct {
	folder string // where recordings go; empty: there are none
}

// perfTime is how long perf may take to begin, on a busy machine.
const perfTime = 10 * time.Second

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
	// It begins when it is told to over descriptor 3, and says on 4 that it did: what is measured takes less than its start.
	perf := exec.Command("perf", "record", "--quiet", "--call-graph", "fp", "--output", file, "--pid", pids,
		"--delay", "-1", "--control", "fd:3,4")
	perf.Stderr = os.Stderr
	stop, err = record(perf)
	if err != nil {
		return nil, fmt.Errorf("recording a profile: %w", err)
	}
	return stop, nil
}

// record starts perf and returns, when it records, what ends it. The pipes stay open until then: perf wants them.
func record(perf *exec.Cmd) (stop func(), err error) {
	commands, command, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answer, answers, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, commands.Close(), command.Close())
	}
	perf.ExtraFiles = []*os.File{commands, answers}
	err = perf.Start()
	commands.Close()
	answers.Close()
	stop = func() {
		if perf.Process != nil {
			_ = perf.Process.Signal(os.Interrupt) // or it has ended already
			_ = perf.Wait()                       // always an error after an interrupt
		}
		command.Close()
		answer.Close()
	}
	if err == nil {
		_, err = command.WriteString("enable\n")
	}
	if err == nil {
		err = answer.SetReadDeadline(time.Now().Add(perfTime))
	}
	if err == nil {
		_, err = answer.Read(make([]byte, 16))
	}
	if err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}
