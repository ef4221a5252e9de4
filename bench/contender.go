//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pengbridge/pengbridge/bench/process"
	pengbridge "github.com/pengbridge/pengbridge/clients/go"
)

// contender is one of those that are compared.
type contender string

const (
	reference contender = "reference" // peng3dnet, with a Python application in its process
	python    contender = "python"    // pengbridge with the same application
	golang    contender = "go"        // pengbridge with a Go application
	raw       contender = "raw"       // the limit: a bare Go TCP server
)

// contenders are all of them, in the order in which they are shown.
var contenders = []contender{reference, python, golang, raw}

const (
	startTime = 20 * time.Second // until a server listens, on a busy machine
	endTime   = 5 * time.Second  // until one that was killed is gone
)

// programs say where the programs of the contenders are.
type programs struct {
	ReferencePython string `env:"PENGBRIDGE_REFERENCE_PYTHON" default:".interop/bin/python" help:"The Python that has peng3dnet."`
	Python          string `env:"PENGBRIDGE_PYTHON" default:".venv/bin/python" help:"The Python that has pengbridge."`
	Binary          string `env:"PENGBRIDGE_BINARY" default:"bin/pengbridge" help:"The sidecar."`
	Application     string `default:"bench/application.py" help:"The application in Python."`
}

// command returns what starts a contender. flags are those of application.py and of serveCommand.
func (p programs) command(c contender, flags []string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	binary, err := filepath.Abs(p.Binary)
	if err != nil {
		return nil, err
	}
	command := map[contender][]string{
		reference: {p.ReferencePython, p.Application, "peng3dnet"},
		python:    {p.Python, p.Application, "pengbridge"},
		golang:    {self, "serve", "go"},
		raw:       {self, "serve", "raw"},
	}[c]
	cmd := exec.Command(command[0], append(command[1:], flags...)...)
	cmd.Env = append(os.Environ(), pengbridge.BinaryVariable+"="+binary)
	return cmd, nil
}

// server is a contender's processes, running.
type server struct {
	port    int
	app     int // the application's process
	sidecar int // the sidecar's, 0 if there is none
	handle  int // a pidfd of that: it is not our child

	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{} // closed when the application has
}

// start starts a contender and waits until it listens.
func (p programs) start(c contender, flags []string) (*server, error) {
	cmd, err := p.command(c, flags)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &s.stderr
	if _, err := cmd.StdinPipe(); err != nil { // its end, which is ours, ends the application
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c, err)
	}
	s.app = cmd.Process.Pid
	listening := make(chan error, 1)
	go func() { // ends with the process, which stop ends
		defer close(s.ended)
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		_, err := fmt.Sscanf(line, "listening %d\n", &s.port)
		listening <- err
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait() // how it ends does not matter: what it did was measured
	}()
	select {
	case err = <-listening:
	case <-time.After(startTime):
		err = fmt.Errorf("no answer in %v", startTime)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%s does not listen: %w\n%s", c, err, s.complaints())
	}
	if c == python || c == golang {
		err = s.findSidecar()
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return s, nil
}

// findSidecar finds the process that the application has started.
func (s *server) findSidecar() (err error) {
	children := process.Children(s.app)
	if len(children) != 1 {
		return fmt.Errorf("the application has %d child processes instead of a sidecar", len(children))
	}
	s.sidecar = children[0]
	s.handle, err = unix.PidfdOpen(s.sidecar, 0)
	return err
}

// stop ends the processes, and waits for that. They are killed: an orderly end takes the time that peers may take to go.
func (s *server) stop() {
	_ = s.cmd.Process.Kill() // or it has ended already
	if s.handle != 0 {
		_ = unix.PidfdSendSignal(s.handle, unix.SIGKILL, nil, 0)
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(s.handle), Events: unix.POLLIN}}, int(endTime.Milliseconds()))
		_ = unix.Close(s.handle)
	}
	<-s.ended
}

// complaints returns the last lines of what the application wrote to stderr. It has ended.
func (s *server) complaints() string {
	lines := strings.Split(strings.TrimSpace(s.stderr.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
