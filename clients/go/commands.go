package pengbridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// ErrClosed means that a Commands was closed before.
var ErrClosed = errors.New("the commands stream was closed")

// CommandError says why the sidecar did not do a command. It is a gRPC status as well: status.Code understands it.
type CommandError struct {
	Number  uint64     // the command's
	Code    codes.Code // the one that a unary call would have had
	Message string     // what happened and what to do, for a person
	Reason  string     // the same for a program, such as "UNKNOWN_PACKET"
}

func (e *CommandError) Error() string {
	return fmt.Sprintf("command %d: %s (%s)", e.Number, e.Message, e.Code)
}

// GRPCStatus makes it a gRPC status.
func (e *CommandError) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// CommandsOptions are for Sidecar.Commands.
type CommandsOptions struct {
	// EndpointID is the endpoint they act on.
	EndpointID string
	// OnFailure is called with the failures of commands, except those given to Do: from one goroutine, in order. It must not
	// call the Commands. Nil: nothing is called.
	OnFailure func(*CommandError)
}

// Commands sends commands to one endpoint: in order, in batches, without waiting for answers, each applied once even if the
// connection breaks. Its methods may be called concurrently.
type Commands struct {
	api        pb.SidecarServiceClient
	endpointID string
	sender     string          // random: the name under which the sidecar remembers us
	ctx        context.Context // ends at the latest with the goroutine; its cause is why there are no more answers
	cancel     context.CancelCauseFunc
	retry      retry
	wg         sync.WaitGroup
	queue      *commandQueue
}

// Commands opens a stream of commands. It does not wait: only the first answer tells whether the endpoint exists. The stream
// lives until Close, or until ctx ends.
func (s *Sidecar) Commands(ctx context.Context, o CommandsOptions) *Commands {
	ctx, cancel := context.WithCancelCause(ctx)
	queue := newCommandQueue(o.OnFailure)
	c := &Commands{
		api:        s.API,
		endpointID: o.EndpointID,
		sender:     launch.NewSecret(),
		ctx:        ctx,
		cancel:     cancel,
		retry:      s.retry(),
		queue:      queue,
	}
	c.retry.closing = queue.closing
	c.wg.Go(c.run)
	return c
}

// Send queues commands and returns the number of the last one. They are encoded before it returns, so the caller may change
// them. It waits only while 65,536 commands, or 32 MiB, are unanswered. The error is why nothing can be sent any more, ctx's, or
// about a string that is not UTF-8; the commands before the one that failed are sent.
func (c *Commands) Send(ctx context.Context, commands ...*pb.Command) (last uint64, err error) {
	return c.queue.push(ctx, nil, commands)
}

// Packet is a packet for one connection: what pb.Message is, with MessagePack.
type Packet struct {
	ConnectionID uint64 // 0: the only one of a client endpoint
	Name         string // the packet type's, or
	ID           uint32 // its id, where Name is empty
	Body         []byte // one MessagePack value
}

// SendPackets is Send for commands that send packets. It takes a quarter of the time that making messages for Send takes, which
// matters from some hundred thousand packets a second.
func (c *Commands) SendPackets(ctx context.Context, packets ...Packet) (last uint64, err error) {
	return c.queue.pushPackets(ctx, packets)
}

// Wait waits until every command up to number was applied or has failed. The error is ctx's, or why there will be no answer.
func (c *Commands) Wait(ctx context.Context, number uint64) error {
	return c.queue.await(ctx, number)
}

// Do sends one command and waits for its answer. The error is its failure, a [*CommandError], or one of those of Send and Wait.
func (c *Commands) Do(ctx context.Context, command *pb.Command) error {
	var failure outcome
	number, err := c.queue.push(ctx, &failure, []*pb.Command{command})
	if err != nil {
		return err
	}
	defer c.queue.forget(number)
	if err := c.queue.await(ctx, number); err != nil {
		return err
	}
	return c.queue.result(&failure)
}

// Close takes no more commands, waits until those sent are answered, and ends the stream. The rest is given up when ctx ends
// first, when the sidecar's process has ended, or when the sidecar cannot be reached for a second (on another machine, nothing
// more can be known). A sidecar that is connected but silent is waited for, half a minute at most: give ctx a deadline. The
// error is why not all were answered.
func (c *Commands) Close(ctx context.Context) error {
	c.queue.close()
	stop := context.AfterFunc(ctx, func() { c.cancel(context.Cause(ctx)) })
	c.wg.Wait()
	stop()
	if err := c.queue.end(); !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// run opens one stream after the other until everything is said, or the sidecar is lost.
func (c *Commands) run() {
	var end error
	for end == nil {
		err := c.converse()
		switch {
		case errors.Is(err, io.EOF):
			end = ErrClosed
		case status.Code(err) == codes.Aborted: // our name is random: an older stream of ours, which had broken, came late
			end = c.retry.again(c.ctx, io.ErrUnexpectedEOF)
		default:
			end = c.retry.again(c.ctx, err)
		}
	}
	c.queue.finish(end)
	c.cancel(end)
}

// converse opens a stream, sends what is unanswered, and takes answers until the stream ends; io.EOF is the good end.
func (c *Commands) converse() error {
	ctx, cancel := context.WithCancel(c.ctx)
	var writer sync.WaitGroup
	defer writer.Wait()
	defer cancel()
	stream, err := c.api.Commands(ctx)
	if err != nil {
		return err
	}
	opening := &pb.CommandsRequest{EndpointId: c.endpointID, Sender: c.sender, FirstNumber: c.queue.rewind()}
	if err := stream.Send(opening); err != nil && !errors.Is(err, io.EOF) { // after io.EOF, Recv tells the reason
		return err
	}
	for first := true; ; first = false {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) && !c.queue.spent() {
			return io.ErrUnexpectedEOF // the sidecar ended it; the next stream will tell why
		}
		if err != nil {
			return err
		}
		c.retry.succeeded()
		c.queue.answered(response)
		if first {
			writer.Go(func() { c.write(ctx, stream) })
		}
	}
}

// write sends what is queued until the queue is closed and empty, or the stream is broken; Recv tells why.
func (c *Commands) write(ctx context.Context, stream grpc.BidiStreamingClient[pb.CommandsRequest, pb.CommandsResponse]) {
	for {
		commands, ok := c.queue.next(ctx)
		if !ok {
			_ = stream.CloseSend()
			return
		}
		if stream.SendMsg(commands) != nil {
			return
		}
	}
}
