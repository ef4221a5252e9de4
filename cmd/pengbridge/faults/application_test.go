//go:build unix

package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// subscriber is the application's durable name.
const subscriber = "game"

// program is an application as a run sees it. Its methods are called by one goroutine.
type program interface {
	// start connects and begins to read, the first time and after leave.
	start(ctx context.Context) error
	// hold stops the application's reading, and goOn lets it go on.
	hold(ctx context.Context) error
	goOn() error
	// takeOver subscribes once more under the same name, and returns when the older stream was told.
	takeOver(ctx context.Context) error
	// answered waits until every command so far has its answer.
	answered(ctx context.Context) error
	// shutdown ends the endpoint.
	shutdown(ctx context.Context, how *pb.EndpointShutdown) error
	// leave ends the application: in good order, or as if it had crashed.
	leave(ctx context.Context, orderly bool) error
	// finished waits until the log was read to its end. It returns errTail if that cannot be done any more, as is promised.
	finished(ctx context.Context) error
	// abandon ends whatever a run that failed has left. It waits for nobody.
	abandon()
}

// errTail says that an application which acknowledges nothing came back to a log that was forgotten: all of it had been written
// to the stream that broke.
var errTail = errors.New("the last events went down with their stream")

// application reads an endpoint's events and sends every numbered packet back. It lives in this process; when it crashes, it
// forgets everything and comes back under the same name.
type application struct {
	connect  func(ctx context.Context) (*client.Sidecar, error)
	endpoint string
	simple   bool // whether it acknowledges nothing; where it was it knows after a crash, too
	oracle   *oracle

	mu         sync.Mutex    // held while events are handled
	goes       chan struct{} // closed while the application is not held up
	generation int
	sidecar    *client.Sidecar
	commands   *client.Commands
	last       uint64          // the last command's number
	running    context.Context // ends with this generation
	cancel     context.CancelFunc
	leaving    bool // whatever comes now is for the next generation
	subs       []eventStream
	streams    sync.WaitGroup
	reading    int         // streams that are being read
	ousted     int         // streams that ended because another one took over
	complete   bool        // the log was read to its end
	tailLost   bool        // nearly so
	fail       func(error) // is told of a stream that should not have ended
}

func newApplication(
	endpoint string, simple bool, o *oracle, connect func(context.Context) (*client.Sidecar, error), fail func(error),
) *application {
	a := &application{connect: connect, endpoint: endpoint, simple: simple, oracle: o, fail: fail, goes: make(chan struct{})}
	close(a.goes)
	return a
}

// start connects and begins to read.
func (a *application) start(ctx context.Context) error {
	sidecar, err := a.connect(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.generation++
	generation := a.generation
	a.running, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	a.sidecar, a.last, a.leaving, a.subs = sidecar, 0, false, nil
	a.commands = sidecar.Commands(a.running, client.CommandsOptions{
		EndpointID: a.endpoint,
		OnFailure: func(e *client.CommandError) {
			a.oracle.failed(commandKey{generation, e.Number}, e.Reason)
		},
	})
	a.subscribe(a.running)
	return nil
}

// subscribe opens a stream, which takes over from the one before. a.mu is held.
func (a *application) subscribe(ctx context.Context) {
	var sub eventStream
	if a.simple {
		sub = newSimpleStream(ctx, a.sidecar.API, a.endpoint, a.oracle.next())
	} else {
		sub = a.sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: a.endpoint, Subscriber: subscriber})
	}
	a.reading++
	a.subs = append(a.subs, sub)
	a.streams.Go(func() {
		err := a.read(ctx, sub)
		if ctx.Err() == nil { // an application that crashes does not say that it leaves
			sub.Close()
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.reading--
		switch {
		case errors.Is(err, io.EOF):
			a.complete = true
		case a.simple && status.Code(err) == codes.NotFound && a.oracle.isEnded():
			a.complete, a.tailLost = true, true
		case a.leaving:
		case status.Code(err) == codes.Aborted:
			a.ousted++
		default:
			a.fail(fmt.Errorf("the application's stream: %w", err))
		}
	})
}

// read handles events until there are no more.
func (a *application) read(ctx context.Context, sub eventStream) error {
	for a.mayRead(ctx) {
		events, err := sub.Next()
		if err != nil {
			return err
		}
		if err := a.handle(ctx, events); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// mayRead waits while the application is held up.
func (a *application) mayRead(ctx context.Context) bool {
	a.mu.Lock()
	goes := a.goes
	a.mu.Unlock()
	select {
	case <-goes:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// handle takes events in, and sends numbered packets back.
func (a *application) handle(ctx context.Context, events []*pb.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.leaving {
		return context.Canceled
	}
	for _, e := range events {
		if !a.oracle.seen(e) || !isCount(e) {
			continue
		}
		number, err := a.commands.Send(ctx, echo(e))
		if err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		a.last = number
		if life, n, err := parseCount(e.GetMsgpack()); err == nil {
			a.oracle.commanded(commandKey{a.generation, number}, e.GetConnectionId(), life, n)
		}
	}
	return nil
}

// isCount reports whether a numbered packet came in.
func isCount(e *pb.Event) bool {
	return e.GetType() == pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV && e.GetPacketId() == countID
}

// echo is the command that sends a packet back.
func echo(e *pb.Event) *pb.Command {
	return &pb.Command{Action: &pb.Command_Send{Send: &pb.Message{
		ConnectionId: e.GetConnectionId(),
		Packet:       &pb.Message_Id{Id: countID},
		Body:         &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: e.GetMsgpack()}},
	}}}
}

// hold stops the application's reading.
func (a *application) hold(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.goes = make(chan struct{})
	return nil
}

func (a *application) goOn() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.goes)
	return nil
}

// takeOver subscribes once more under the same name, and returns when one of the two streams has been told so.
func (a *application) takeOver(ctx context.Context) error {
	a.mu.Lock()
	ousted := a.ousted
	a.subscribe(a.running)
	a.mu.Unlock()
	return eventually(ctx, "a stream to be taken over", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.ousted > ousted || a.complete
	})
}

// shutdown ends the endpoint by a command.
func (a *application) shutdown(ctx context.Context, how *pb.EndpointShutdown) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, err := a.commands.Send(ctx, &pb.Command{Action: &pb.Command_Shutdown{Shutdown: how}})
	a.last = max(a.last, last)
	return err
}

func (a *application) answered(ctx context.Context) error {
	a.mu.Lock()
	commands, last := a.commands, a.last
	a.mu.Unlock()
	return commands.Wait(ctx, last)
}

// leave ends the application. If it is orderly, what it has handled is acknowledged, and its commands are answered; else it
// is as if it had crashed.
func (a *application) leave(ctx context.Context, orderly bool) (err error) {
	a.mu.Lock()
	a.leaving = true
	commands, subs := a.commands, a.subs
	a.mu.Unlock()
	if orderly {
		for _, sub := range subs {
			sub.Close()
		}
		a.streams.Wait()
		err = commands.Close(ctx)
	}
	a.cancel()
	a.streams.Wait()
	if !orderly {
		_ = commands.Close(ctx) // canceled already: it only waits for its goroutines
	}
	a.oracle.unanswered(a.generation, a.firstUnanswered(ctx))
	return errors.Join(err, a.sidecar.Close())
}

func (a *application) abandon() {
	a.mu.Lock()
	cancel, sidecar, commands := a.cancel, a.sidecar, a.commands
	a.mu.Unlock()
	if sidecar == nil {
		return
	}
	cancel()
	a.streams.Wait()
	_ = commands.Close(a.running)
	_ = sidecar.Close()
}

// firstUnanswered returns the number of the first command of a closed stream that has no answer.
func (a *application) firstUnanswered(ctx context.Context) uint64 {
	return 1 + uint64(sort.Search(int(a.last), func(n int) bool { return a.commands.Wait(ctx, uint64(n)+1) != nil }))
}

func (a *application) finished(ctx context.Context) error {
	err := eventually(ctx, "the end of the log", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.complete && a.reading == 0
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil && a.tailLost {
		err = errTail
	}
	return err
}
