package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// startTimeout bounds Start, which usually takes 15 ms.
	startTimeout = 10 * time.Second
	// endGrace is what a sidecar gets beyond its drain time before it is killed.
	endGrace = time.Second
)

// Command says which sidecar to start, and how.
type Command struct {
	// Path is the binary: an absolute path. It is never looked up anywhere.
	Path string
	// Stderr takes the sidecar's log lines; it is written from a goroutine of its own. Nil: they are discarded.
	Stderr io.Writer
	// ReadOnlyTokenFile is where the sidecar writes a token for tools. Empty: nowhere.
	ReadOnlyTokenFile string
	// Drain is how long the sidecar may take for its goodbyes, at most [MaxDrain]. 0: [DefaultDrain].
	Drain time.Duration
}

// Process is a running sidecar. Its methods may be called concurrently.
type Process struct {
	// Ready is what the sidecar said of itself.
	Ready Ready
	// Token is the secret that every call must carry.
	Token string

	cmd     *exec.Cmd
	stdin   io.WriteCloser
	drain   time.Duration
	release func() // releases what ties the child's life to ours; see tieLife
	exited  chan struct{}
	err     error // of the process; valid when exited is closed
	closing sync.Once
}

// Start runs a sidecar and returns when it serves. If it does not within 10 s, or before ctx ends, it is killed. After that, ctx
// has no effect: the sidecar runs until Close, or until this process ends.
func Start(ctx context.Context, c Command) (*Process, error) {
	if !filepath.IsAbs(c.Path) {
		return nil, fmt.Errorf("the sidecar's binary must be given by its absolute path, not %q", c.Path)
	}
	hello := Hello{
		Token:             NewSecret(),
		APIVersions:       []string{APIVersion},
		PID:               os.Getpid(),
		ReadOnlyTokenFile: c.ReadOnlyTokenFile,
		DrainMillis:       c.Drain.Milliseconds(),
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p := &Process{Token: hello.Token, drain: hello.Drain(), exited: make(chan struct{})}
	stdout, err := p.run(c, hello)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	p.Ready, err = awaitReady(ctx, stdout)
	go p.wait()
	switch {
	case err == nil:
		return p, nil
	case ctx.Err() != nil:
		p.kill()
		return nil, err
	default:
		return nil, explain(err, p.Close())
	}
}

// run starts the process, with the hello line in its stdin.
func (p *Process) run(c Command, hello Hello) (stdout *os.File, err error) {
	// Not a StdoutPipe: that is closed as soon as the process ends, even if its last line was not read.
	stdout, childStdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(c.Path, "serve", "--spawned")
	p.cmd.Stdout = childStdout
	p.cmd.Stderr = c.Stderr
	p.cmd.WaitDelay = endGrace // for copying stderr, which a grandchild could hold open
	p.stdin, err = p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	_ = childStdout.Close()
	if err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	p.release, err = tieLife(p.cmd.Process)
	if err == nil {
		err = writeLine(p.stdin, hello) // does not block: a pipe holds far more than a line
	}
	if err != nil {
		go p.wait()
		p.kill()
		return nil, errors.Join(err, stdout.Close())
	}
	return stdout, nil
}

// wait waits for the process's end, and removes what it may have left.
func (p *Process) wait() {
	p.err = p.cmd.Wait()
	if p.release != nil {
		p.release()
	}
	p.removeSocket()
	close(p.exited)
}

// awaitReady reads the ready line. The pipe is closed in any case: the sidecar has nothing more to say there.
func awaitReady(ctx context.Context, stdout *os.File) (Ready, error) {
	stop := context.AfterFunc(ctx, func() { _ = stdout.Close() })
	defer func() {
		stop()
		_ = stdout.Close()
	}()
	ready, err := readReady(stdout)
	if ctx.Err() != nil {
		return Ready{}, fmt.Errorf("the sidecar was not ready in time: %w", context.Cause(ctx))
	}
	return ready, err
}

// explain adds how the process ended to an error.
func explain(err, end error) error {
	var exit *exec.ExitError
	if errors.As(end, &exit) {
		return fmt.Errorf("%w (%w)", err, exit)
	}
	return err
}

// kill ends the process at once and waits for its end.
func (p *Process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.stdin.Close()
	<-p.exited
}

// Done is closed when the process has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.exited }

// Wait waits for the end of the process and returns its error: nil for exit code 0, else an [*exec.ExitError].
func (p *Process) Wait() error {
	<-p.exited
	return p.err
}

// Close asks the sidecar to end, waits for its drain time and a second more, kills it if need be, and returns what Wait does. One
// that was stopped (SIGSTOP) is continued first.
func (p *Process) Close() error {
	p.closing.Do(func() {
		_ = p.stdin.Close()
		wake(p.cmd.Process)
	})
	timer := time.NewTimer(p.drain + endGrace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		p.kill()
	}
	return p.Wait()
}

// removeSocket removes the socket of a sidecar that was killed and its directory, by their known names and if nothing else
// is in there.
func (p *Process) removeSocket() {
	path, ok := strings.CutPrefix(p.Ready.Address, "unix:")
	if !ok {
		return
	}
	dir := filepath.Dir(path)
	if filepath.Base(path) == socketName && strings.HasPrefix(filepath.Base(dir), socketDirPrefix) {
		_ = os.Remove(path)
		_ = os.Remove(dir)
	}
}
