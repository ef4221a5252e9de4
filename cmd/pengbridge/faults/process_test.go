//go:build unix

package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protodelim"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// applicationVariable makes this test binary an application: its value is the endpoint.
const applicationVariable = "FAULTS_APPLICATION"

// exitTakenOver is how an application's process ends when another one has its name.
const exitTakenOver = 3

// runApplication is what this test binary does as an application.
func runApplication(endpoint string) int {
	err := applicationProcess(endpoint)
	if status.Code(err) == codes.Aborted {
		return exitTakenOver
	}
	if err != nil {
		return failure(err)
	}
	return 0
}

// applicationProcess is the whole of an application that does what [application] does: it reads its events, tells of them on
// stdout before it handles them, and sends numbered packets back. It ends with the log, or in good order when stdin ends.
// Arguments: the sidecar's address and the token file.
func applicationProcess(endpoint string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sidecar, err := client.Attach(ctx, os.Args[1], client.AttachOptions{TokenFile: os.Args[2]})
	if err != nil {
		return err
	}
	defer sidecar.Close()
	commands := sidecar.Commands(ctx, client.CommandsOptions{EndpointID: endpoint})
	sub := sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: endpoint, Subscriber: subscriber})
	go func() { // it ends with the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		sub.Close()
	}()
	for {
		events, err := sub.Next()
		if errors.Is(err, io.EOF) {
			sub.Close() // what was handled is acknowledged
			cancel()
			_ = commands.Close(ctx) // there is nothing left to command
			return nil
		}
		if errors.Is(err, context.Canceled) {
			return commands.Close(ctx)
		}
		if err != nil {
			return err // the stream's
		}
		if _, err := protodelim.MarshalTo(os.Stdout, &pb.SubscribeResponse{Events: events}); err != nil {
			return err
		}
		for _, e := range events {
			if !isCount(e) {
				continue
			}
			if _, err := commands.Send(ctx, echo(e)); err != nil {
				return err
			}
		}
	}
}

// separate is an application in a process of its own, or several, one after the other.
type separate struct {
	run     *run
	current *process
}

// process is one of them.
type process struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	told    atomic.Bool   // it has told of an event: it has subscribed
	leaving atomic.Bool   // it ends because the run wants it to
	exited  chan struct{} // closed when it is over, and everything it told was heard
	err     error         // then, how
}

// start runs a process, which is heard from now on.
func (s *separate) start(context.Context) error {
	now := make(chan struct{})
	close(now)
	return s.launch(now)
}

// launch runs a process, which is heard when its turn has come: the channel is closed then.
func (s *separate) launch(turn <-chan struct{}) error {
	command, err := s.commandLine()
	if err != nil {
		return err
	}
	p := &process{command: command, exited: make(chan struct{})}
	p.command.Stderr = s.run.sidecar.log
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	s.current = p
	go func() {
		<-turn
		s.hear(p, stdout)
	}()
	return nil
}

func (s *separate) commandLine() (*exec.Cmd, error) {
	r := s.run
	if r.python != "" {
		script := filepath.Join("..", "..", "..", "clients", "python", "tests", "fault_application.py")
		return exec.Command(r.python, script, r.api.address(), r.sidecar.tokens(), r.endpoint), nil
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(binary, r.api.address(), r.sidecar.tokens())
	command.Env = append(os.Environ(), applicationVariable+"="+r.endpoint)
	return command, nil
}

// hear tells the oracle what a process tells, until it ends.
func (s *separate) hear(p *process, stdout io.Reader) {
	defer close(p.exited)
	in := bufio.NewReader(stdout)
	var told pb.SubscribeResponse
	for protodelim.UnmarshalFrom(in, &told) == nil { // what was cut off was not told
		for _, e := range told.GetEvents() {
			s.run.oracle.seen(e)
		}
		p.told.Store(true)
	}
	if p.err = p.command.Wait(); p.err != nil && !p.leaving.Load() {
		s.run.fail(fmt.Errorf("the application ended: %w", p.err))
	}
}

// await returns when a process has ended.
func (p *process) await(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the application does not end: %w", context.Cause(ctx))
	}
}

func (s *separate) hold(ctx context.Context) error { return freeze(ctx, s.current.command.Process) }
func (s *separate) goOn() error                    { return s.current.command.Process.Signal(syscall.SIGCONT) }

// takeOver starts another process under the same name, which the older one is told.
func (s *separate) takeOver(ctx context.Context) error {
	older := s.current
	if err := s.subscribed(ctx, older); err != nil {
		return err
	}
	older.leaving.Store(true)
	turn := make(chan struct{})
	if err := s.launch(turn); err != nil {
		return err
	}
	defer close(turn) // it goes on behind what the older one has told, some of which may not have been heard yet
	if err := older.await(ctx); err != nil {
		return err
	}
	s.run.oracle.succeeded()
	if exit := new(exec.ExitError); older.err != nil && (!errors.As(older.err, &exit) || exit.ExitCode() != exitTakenOver) {
		return fmt.Errorf("the older application ended with %w", older.err)
	}
	return nil
}

// subscribed waits until a process has its place in the log, which it would take from another one if it came later.
func (s *separate) subscribed(ctx context.Context, p *process) error {
	_, err := s.run.sidecar.control.API.Interrupt(ctx, &pb.InterruptRequest{EndpointId: s.run.endpoint}) // an event for it
	if err != nil {
		return err
	}
	return eventually(ctx, "the older application to subscribe", p.told.Load)
}

// answered waits until the log has everything that the application sends: a full one may have refused some of it.
func (s *separate) answered(ctx context.Context) error {
	if s.run.fills {
		return nil
	}
	return eventually(ctx, "the application to send everything back", s.run.oracle.sentBack)
}

func (s *separate) shutdown(ctx context.Context, how *pb.EndpointShutdown) error {
	how.Join = false
	_, err := s.run.sidecar.control.API.Shutdown(ctx, &pb.ShutdownRequest{EndpointId: s.run.endpoint, Shutdown: how})
	return err
}

func (s *separate) leave(ctx context.Context, orderly bool) error {
	p := s.current
	p.leaving.Store(true)
	if !orderly || s.run.python != "" {
		_ = p.command.Process.Kill() // if it has not ended by itself
		defer s.run.oracle.succeeded()
		return p.await(ctx)
	}
	_ = p.stdin.Close()
	if err := p.await(ctx); err != nil {
		return err
	}
	s.run.oracle.succeeded()
	return p.err
}

func (s *separate) finished(ctx context.Context) error {
	if err := s.current.await(ctx); err != nil {
		return err
	}
	return s.current.err
}

func (s *separate) abandon() {
	if s.current != nil {
		s.current.leaving.Store(true)
		_ = s.current.command.Process.Kill()
		<-s.current.exited
	}
}
