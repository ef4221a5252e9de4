//go:build unix

package faults

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// eventStream is how an application gets its events: over [client.Subscription], or by hand.
type eventStream interface {
	// Next waits for events; io.EOF is the end of the log.
	Next() ([]*pb.Event, error)
	// Close ends it.
	Close()
}

// simpleStream is what a simple program writes: a durable subscription without acknowledgements, which comes back behind the
// last event that it got. What was written to a stream that broke is still in the log's ring.
type simpleStream struct {
	api      pb.SidecarServiceClient
	endpoint string
	ctx      context.Context
	cancel   context.CancelFunc
	next     uint64                                           // the event it wants
	stream   grpc.ServerStreamingClient[pb.SubscribeResponse] // nil: to be opened
}

func newSimpleStream(ctx context.Context, api pb.SidecarServiceClient, endpoint string, next uint64) *simpleStream {
	ctx, cancel := context.WithCancel(ctx)
	return &simpleStream{api: api, endpoint: endpoint, ctx: ctx, cancel: cancel, next: next}
}

func (s *simpleStream) Close() { s.cancel() }

// Next opens the stream again, as often as it breaks.
func (s *simpleStream) Next() ([]*pb.Event, error) {
	for {
		events, err := s.receive()
		switch {
		case s.ctx.Err() != nil:
			return nil, s.ctx.Err()
		case status.Code(err) == codes.Unavailable:
			s.stream = nil
			select {
			case <-time.After(10 * time.Millisecond):
			case <-s.ctx.Done():
			}
		case err != nil:
			return nil, err
		case len(events) > 0:
			s.next = events[len(events)-1].GetSequence() + 1
			return events, nil
		}
	}
}

// receive returns the events of the next message.
func (s *simpleStream) receive() (_ []*pb.Event, err error) {
	if s.stream == nil {
		s.stream, err = s.api.Subscribe(s.ctx, &pb.SubscribeRequest{
			EndpointId: s.endpoint, Subscriber: subscriber, Mode: pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE, FromSequence: s.next,
		})
		if err != nil {
			return nil, err
		}
	}
	response, err := s.stream.Recv()
	if err != nil {
		return nil, err
	}
	if header := response.GetHeader(); header != nil && header.GetNextSequence() != s.next {
		return nil, fmt.Errorf("a stream begins with event %d, asked for was %d", header.GetNextSequence(), s.next)
	}
	return response.GetEvents(), nil
}
