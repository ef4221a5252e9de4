package sidecar

// The Commands stream. Its handler writes the answers; beside it one goroutine reads messages and applies their commands in
// order. That way, a stream that is taken over stops applying even when its client does not read.

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
)

// maxCommands is how many commands a message may carry.
const maxCommands = 65_536

// Commands applies commands in order and answers them cumulatively.
func (s *service) Commands(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
	return translated(s.commands(stream))
}

func (s *service) commands(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
	message := &commandBatch{}
	err := stream.RecvMsg(message)
	if errors.Is(err, io.EOF) {
		return nil // half-closed without a word: nothing to answer
	}
	if err != nil {
		return err
	}
	h, err := s.endpoint(stream.Context(), message.endpointID)
	if err != nil {
		return err
	}
	if len(message.sender) > maxName {
		return invalid("sender", "must be at most %d bytes", maxName)
	}
	ctx, end := context.WithCancelCause(stream.Context())
	defer end(nil)
	claimed := h.senders.claim(message.sender, end)
	defer h.senders.release(claimed)
	applied, recent := claimed.resume(message.firstNumber)
	err = stream.Send(&pb.CommandsResponse{AppliedNumber: applied, RecentFailures: recent})
	if err != nil {
		return err
	}
	answers := newAnswers(applied)
	defer answers.end(nil) // stops its timer
	c := &commands{service: s, endpoint: h, sender: claimed.sender, batch: h.Batch(), answers: answers}
	s.working.Go(func() { c.run(ctx, message, stream) })
	for {
		response, err := c.answers.next(ctx)
		if response == nil {
			return err
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

// commands applies what comes in on one stream.
type commands struct {
	service  *service
	endpoint *hosted
	sender   *sender
	batch    *endpoint.Batch
	answers  *answers
}

// run applies the message and those that follow, until the stream ends, at the latest with its handler.
func (c *commands) run(ctx context.Context, message *commandBatch, stream grpc.ServerStream) {
	err := c.applyAll(ctx, message, stream)
	if errors.Is(err, io.EOF) { // half-closed
		err = nil
	}
	c.answers.end(err)
}

func (c *commands) applyAll(ctx context.Context, message *commandBatch, stream grpc.ServerStream) (err error) {
	defer func() { // the interceptor guards the handler's goroutine only
		if p := recover(); p != nil {
			err = panicked(c.service.logger, p)
		}
	}()
	for err == nil {
		if err = c.applyMessage(ctx, message); err == nil {
			message.forget()
			c.answers.full(ctx)
			err = stream.RecvMsg(message)
		}
	}
	return err
}

// applyMessage applies a message's commands and writes the packets they queued. Its error ends the stream.
func (c *commands) applyMessage(ctx context.Context, message *commandBatch) error {
	if message.endpointID != "" && message.endpointID != c.endpoint.id {
		return invalid("endpoint_id", "must stay the same within a stream")
	}
	if message.tooMany {
		return invalid("commands", "must be at most %d in a message", maxCommands)
	}
	c.sender.applying.Lock()
	defer c.sender.applying.Unlock()
	if ctx.Err() != nil { // taken over: the new stream has begun
		return context.Cause(ctx)
	}
	done, err := c.sender.skip(message.firstNumber, len(message.commands))
	if err != nil {
		return err
	}
	defer c.batch.Flush()
	var failures []*pb.CommandFailure
	for _, command := range message.commands[done:] {
		number := c.sender.applied + 1
		err = c.apply(ctx, command)
		if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = context.Cause(ctx) // a flush that was cut short: not applied, so it is sent again
			break
		}
		c.sender.applied = number
		if err != nil {
			failure := translate(err).commandFailure(number)
			failures = append(failures, failure)
			c.sender.fail(failure)
			err = nil
		}
	}
	c.answers.add(c.sender.applied, failures, message.unasked())
	return err
}

// apply does what one command says, which comes in its wire form.
func (c *commands) apply(ctx context.Context, encoded []byte) error {
	if p, ok := readPacket(encoded); ok {
		ref, err := p.ref()
		if err == nil {
			err = post(c.batch, p.conn, ref, p.body)
		}
		return within("send", err)
	}
	var command pb.Command
	if err := proto.Unmarshal(encoded, &command); err != nil {
		return invalid("action", "cannot be decoded: %v", err)
	}
	return c.applyDecoded(ctx, &command)
}

func (c *commands) applyDecoded(ctx context.Context, command *pb.Command) (err error) {
	h := c.endpoint
	switch action := command.GetAction().(type) {
	case *pb.Command_Send:
		return within("send", send(c.batch, action.Send))
	case *pb.Command_Broadcast:
		_, err = broadcast(c.batch, action.Broadcast)
		return within("broadcast", err)
	case *pb.Command_Close:
		return within("close", h.closeConnection(action.Close))
	case *pb.Command_Update:
		return within("update", h.updateConnection(action.Update))
	case *pb.Command_RegisterPackets:
		_, err = h.registerPackets(action.RegisterPackets)
		return within("register_packets", err)
	case *pb.Command_RegisterConntypes:
		return within("register_conntypes", h.registerConntypes(action.RegisterConntypes))
	case *pb.Command_Acknowledge:
		return h.acknowledge(action.Acknowledge)
	case *pb.Command_SetCompression:
		return h.setCompression(action.SetCompression)
	case *pb.Command_Flush:
		c.batch.Flush()
		return within("flush", h.flush(ctx, action.Flush))
	case *pb.Command_Interrupt:
		return h.Interrupt()
	case *pb.Command_Stop:
		c.batch.Flush()
		return h.Stop()
	case *pb.Command_Shutdown:
		c.batch.Flush()
		return within("shutdown", h.beginShutdown(action.Shutdown))
	}
	return invalid("action", "is missing")
}
