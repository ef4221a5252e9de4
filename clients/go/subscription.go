package pengbridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// ErrEventsLost means that events which a subscriber was promised cannot be delivered any more.
var ErrEventsLost = errors.New("events were lost")

// farewell is how long Close waits for the sidecar to know that the subscriber leaves.
const farewell = time.Second

// SubscribeOptions say what to subscribe to, and with what guarantees.
type SubscribeOptions struct {
	// EndpointID is the endpoint whose events are wanted.
	EndpointID string
	// Subscriber is the name of a durable subscriber. Empty: an observer, which sees what it can and slows nobody down.
	Subscriber string
	// FromSequence is the first event wanted. 0: the one after the last acknowledged, or for an observer the oldest held.
	FromSequence uint64
	// Types are the types of events wanted. Empty: all.
	Types []pb.EventType
	// Format is the form of bodies.
	Format pb.BodyFormat
	// Commands is what a durable subscription sends its acknowledgements over, together with the program's commands to the same
	// endpoint. Its OnFailure hears if an acknowledgement fails, and a Flush on it delays the acknowledgements after it. The
	// subscription ends with it, so close it after the subscription. Nil: a stream of its own, which costs another message in
	// each direction for every batch.
	Commands *Commands
	// Reuse makes each call of Next overwrite the events, and their bodies, that the previous one returned; memory for the
	// largest batch so far, up to 17 MiB, is kept. It is for programs that handle hundreds of thousands of events a second: an
	// event costs a third of what it costs without.
	Reuse bool
}

// Subscription is a stream of one endpoint's events that outlives the connection it came over. Next is for one goroutine;
// Close may be called from any.
type Subscription struct {
	api     pb.SidecarServiceClient
	options SubscribeOptions
	ctx     context.Context // its cause is why there is no more, unless a stream says so
	cancel  context.CancelCauseFunc
	retry   retry
	session string        // random: other subscriptions of the same name have another one
	acks    *Commands     // acknowledges; nil for observers. A call for each batch took half the processor time of an echo
	unwatch func() bool   // stops calling acksEnded
	acked   atomic.Uint64 // the last sequence given to acks; Close reads it from another goroutine

	stream    grpc.ServerStreamingClient[pb.SubscribeResponse] // nil: to be opened
	batch     *eventBatch                                      // the last message received
	delivered uint64                                           // the last sequence given to the caller; at first, the one before the first
	started   bool                                             // delivered is known
	err       error                                            // why there is no more
}

// Subscribe begins to deliver an endpoint's events. It does not wait: only the first Next tells whether the endpoint exists. The
// subscription ends with ctx, with Close, or after the endpoint's last event.
//
// A durable subscription (one with a Subscriber name) acknowledges what Next delivered as soon as Next is called again. It
// ends with codes.Aborted when another one takes the name over, even if its connection is broken at that time.
func (s *Sidecar) Subscribe(ctx context.Context, o SubscribeOptions) *Subscription {
	ctx, cancel := context.WithCancelCause(ctx)
	sub := &Subscription{api: s.API, options: o, ctx: ctx, cancel: cancel, retry: s.retry()}
	if o.Subscriber != "" {
		sub.session = launch.NewSecret()
		if sub.acks = o.Commands; sub.acks == nil {
			sub.acks = s.Commands(ctx, CommandsOptions{EndpointID: o.EndpointID})
		}
		sub.unwatch = context.AfterFunc(sub.acks.ctx, sub.acksEnded)
	}
	return sub
}

// acksEnded ends the subscription when nothing can be acknowledged any more: the sidecar would send two batches and then wait
// for ever. But if the endpoint or the process is gone, the stream of events ends by itself, after what is left to read.
func (s *Subscription) acksEnded() {
	select {
	case <-s.retry.sidecarDone:
		return
	default:
	}
	err := context.Cause(s.acks.ctx)
	if status.Code(err) != codes.NotFound && !errors.Is(err, ErrSidecarLost) {
		s.cancel(fmt.Errorf("nothing can be acknowledged any more: %w", err))
	}
}

// Next waits for the next events, and returns at least one, in order. Calling it says that everything it returned before is
// handled and need not be kept. Events that came together share memory, of up to 256 KiB and their structs: copy what is to be
// kept for long.
//
// Errors: io.EOF after the endpoint's last event; one with [ErrEventsLost] if the promise could not be kept; one with
// [ErrSidecarLost] if the sidecar's process has ended (for one attached to on this machine, that shows after half a second), or
// if it could not be reached for half a minute; otherwise what the sidecar answered, or why nothing can be acknowledged any
// more. After an error, Next returns the same one again.
func (s *Subscription) Next() ([]*pb.Event, error) {
	if s.acks != nil && s.delivered > s.acked.Load() {
		s.acknowledge(s.delivered)
		s.acked.Store(s.delivered)
	}
	for s.err == nil {
		events, err := s.receive()
		if err != nil {
			s.stream = nil
			s.err = s.retry.again(s.ctx, err)
			continue
		}
		s.retry.succeeded()
		if events, s.err = s.fresh(events); len(events) > 0 {
			return events, nil
		}
	}
	return nil, s.err
}

// acknowledge says that everything up to a sequence is handled. If that cannot be sent, acksEnded or ctx ends the subscription.
func (s *Subscription) acknowledge(sequence uint64) {
	_, _ = s.acks.Send(s.ctx, &pb.Command{Action: &pb.Command_Acknowledge{Acknowledge: s.acknowledgement(sequence)}})
}

func (s *Subscription) acknowledgement(sequence uint64) *pb.Acknowledgement {
	return &pb.Acknowledgement{Subscriber: s.options.Subscriber, Sequence: sequence, Session: s.session}
}

// receive returns the events of the stream's next message, after opening the stream if need be.
func (s *Subscription) receive() ([]*pb.Event, error) {
	if s.stream == nil {
		if err := s.open(); err != nil {
			return nil, err
		}
	}
	if s.batch == nil || !s.options.Reuse {
		s.batch = &eventBatch{}
	}
	if err := s.stream.RecvMsg(s.batch); err != nil {
		return nil, err
	}
	if header := s.batch.header; header != nil {
		if err := s.begin(header); err != nil {
			return nil, err
		}
	}
	return s.batch.events, nil
}

func (s *Subscription) open() (err error) {
	request := &pb.SubscribeRequest{
		EndpointId:   s.options.EndpointID,
		Subscriber:   s.options.Subscriber,
		Mode:         pb.SubscriberMode_SUBSCRIBER_MODE_OBSERVER,
		FromSequence: s.options.FromSequence,
		Format:       s.options.Format,
		Types:        s.options.Types,
		Session:      s.session,
		Resume:       s.started && s.acks != nil,
	}
	if s.acks != nil {
		request.Mode = pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING
	}
	if s.started {
		// A durable subscriber comes back to what it last acknowledged: naming a sequence would acknowledge what the caller
		// still works on.
		request.FromSequence = 0
		if s.acks == nil {
			request.FromSequence = s.delivered + 1
		}
	}
	s.stream, err = s.api.Subscribe(s.ctx, request)
	return err
}

// begin checks where a stream begins: not beyond the event that the caller waits for, or events were lost.
func (s *Subscription) begin(header *pb.SubscribeHeader) error {
	next := header.GetNextSequence()
	if s.started && next > s.delivered+1 {
		return fmt.Errorf("%w: %d to %d", ErrEventsLost, s.delivered+1, next-1)
	}
	if !s.started && next > 0 {
		s.delivered, s.started = next-1, true
		s.acked.Store(next - 1)
	}
	return nil
}

// fresh returns the events without those that were delivered before the connection broke. If none is left, they are acknowledged
// once more, because a sidecar that had forgotten the subscriber waits for that.
func (s *Subscription) fresh(events []*pb.Event) ([]*pb.Event, error) {
	var repeated uint64
	for len(events) > 0 && events[0].GetSequence() <= s.delivered {
		repeated = events[0].GetSequence()
		events = events[1:]
	}
	if len(events) == 0 {
		if s.acks != nil && repeated > 0 {
			s.acknowledge(repeated)
		}
		return nil, nil
	}
	if first := events[0].GetSequence(); len(s.options.Types) == 0 && first != s.delivered+1 {
		return nil, fmt.Errorf("%w: %d to %d", ErrEventsLost, s.delivered+1, first-1)
	}
	s.delivered = events[len(events)-1].GetSequence()
	return events, nil
}

// Close ends the subscription. First it acknowledges what Next was told is handled, and lets the sidecar know that this
// subscriber leaves, so that one which is about to end does not wait for it; that takes a second at most. A Next under way
// returns context.Canceled. The name keeps its place for another subscription during its grace time: to leave for good, stop
// the endpoint.
func (s *Subscription) Close() {
	if s.acks == nil {
		s.cancel(nil)
		return
	}
	s.unwatch()
	leaving := s.acknowledgement(s.acked.Load())
	leaving.Leaving = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), farewell) // s.ctx may be the program's, which is ending
	_, _ = s.api.Acknowledge(ctx, &pb.AcknowledgeRequest{EndpointId: s.options.EndpointID, Acknowledgement: leaving})
	cancel()
	s.cancel(nil)
	if s.options.Commands == nil {
		_ = s.acks.Close(s.ctx)
	}
}

// Events returns an iterator over the events, one by one. It ends after the endpoint's last one; any other end is its last
// pair, a nil event with the error. Breaking out of the loop does not close the subscription.
func (s *Subscription) Events() func(yield func(*pb.Event, error) bool) {
	return func(yield func(*pb.Event, error) bool) {
		for {
			events, err := s.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, event := range events {
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}
