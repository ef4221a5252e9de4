package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// helloTimeout is how long a parent may take to write its line.
const helloTimeout = 10 * time.Second

// Why a spawned sidecar ends. [Parent.Context] has one of them as its cause.
var (
	ErrStdinClosed = errors.New("stdin was closed")
	ErrParentGone  = errors.New("the parent process is gone")
)

// Parent is the process that spawned this one. Its methods may be called concurrently.
type Parent struct {
	// Hello is what the parent wrote.
	Hello Hello

	ctx    context.Context
	cancel context.CancelCauseFunc
	gone   chan struct{}
	stdin  io.ReadCloser
	handle processHandle
	wg     sync.WaitGroup
}

// processHandle watches one process.
type processHandle interface {
	// wait returns true when the process has ended, and false when the handle was closed first.
	wait() bool
	// close ends wait. It is called once.
	close()
}

// Accept reads the parent's hello line, for which it waits at most 10 s, and from then on watches stdin and the parent's
// process. That must be the process that started this one. The Parent owns stdin and two goroutines until its Close.
func Accept(stdin io.ReadCloser) (*Parent, error) {
	return accept(stdin, os.Getppid, helloTimeout)
}

func accept(stdin io.ReadCloser, getppid func() int, timeout time.Duration) (*Parent, error) {
	p := &Parent{stdin: stdin, gone: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	lines := make(chan lineResult, 1)
	p.wg.Go(func() { p.readStdin(lines) })

	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var err error
	select {
	case r := <-lines:
		p.Hello, err = r.hello, r.err
	case <-timer.C:
		err = fmt.Errorf("no hello line came on stdin within %v: --spawned is for parents that write one, "+
			"people want: pengbridge serve --listen", timeout)
	}
	if err == nil {
		err = p.watch(getppid)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

type lineResult struct {
	hello Hello
	err   error
}

// readStdin reads the hello line, and then waits until stdin is closed from either side. A parent has nothing more to say; if it
// writes all the same, that is discarded, so that it does not block.
func (p *Parent) readStdin(lines chan<- lineResult) {
	h, err := readHello(p.stdin)
	lines <- lineResult{h, err}
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, p.stdin)
	p.cancel(ErrStdinClosed)
}

// watch opens a handle to the parent's process, and then makes sure that it is the parent's: if the parent had ended before and
// its pid was reused, this process would have another parent by now.
func (p *Parent) watch(getppid func() int) error {
	handle, err := openProcess(p.Hello.PID, getppid)
	if actual := getppid(); actual != p.Hello.PID {
		if err == nil {
			handle.close()
		}
		return fmt.Errorf("the hello line names process %d, but process %d started this one: whoever writes the line must "+
			"start the sidecar itself, or exec it", p.Hello.PID, actual)
	}
	if err != nil {
		return fmt.Errorf("watching the parent, process %d: %w", p.Hello.PID, err)
	}
	p.handle = handle
	p.wg.Go(func() {
		if handle.wait() {
			close(p.gone)
			p.cancel(ErrParentGone)
		}
	})
	return nil
}

// Context is done when the parent is gone or wants the sidecar to end; its cause is [ErrStdinClosed] or [ErrParentGone].
func (p *Parent) Context() context.Context { return p.ctx }

// Gone returns a channel that is closed when the parent's process has ended, so that nobody reads what it is sent any more. A
// parent that has only closed stdin still reads.
func (p *Parent) Gone() <-chan struct{} { return p.gone }

// Close stops watching, closes stdin, and waits for both goroutines. It is called once.
func (p *Parent) Close() {
	_ = p.stdin.Close()
	if p.handle != nil {
		p.handle.close()
	}
	p.wg.Wait()
	p.cancel(nil)
}
