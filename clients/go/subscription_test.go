package pengbridge

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

var errBroken = status.Error(codes.Unavailable, "the connection broke")

// part is one stream of a scripted subscription: the header's next sequence, the events, and how the stream ends.
type part struct {
	next   uint64
	events []uint64
	end    error
}

// serveParts answers one Subscribe after the other, and reports the requests.
func serveParts(parts []part, requests chan<- *pb.SubscribeRequest) *scripted {
	return &scripted{
		commands: (&applier{senders: map[string]bool{}}).serve,
		subscribe: func(r *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
			requests <- r
			p := parts[0]
			parts = parts[1:]
			if err := stream.Send(&pb.SubscribeResponse{Header: &pb.SubscribeHeader{NextSequence: p.next}}); err != nil {
				return err
			}
			for _, sequence := range p.events {
				if err := stream.Send(&pb.SubscribeResponse{Events: []*pb.Event{{Sequence: sequence}}}); err != nil {
					return err
				}
			}
			return p.end
		},
	}
}

func TestSubscriptionOutlivesItsConnection(t *testing.T) {
	for name, c := range map[string]struct {
		options SubscribeOptions
		parts   []part
		want    []uint64 // delivered, in order
		asked   []uint64 // from_sequence of each stream
		err     error    // after which; nil: io.EOF
	}{
		"without a break": {
			SubscribeOptions{Subscriber: "game"},
			[]part{{1, []uint64{1, 2, 3}, nil}},
			[]uint64{1, 2, 3}, []uint64{0}, nil,
		},
		"comes back to what it acknowledged, and drops what it had": {
			SubscribeOptions{Subscriber: "game"},
			[]part{{1, []uint64{1, 2, 3}, errBroken}, {2, []uint64{2, 3, 4}, errBroken}, {5, []uint64{5}, nil}},
			[]uint64{1, 2, 3, 4, 5}, []uint64{0, 0, 0}, nil,
		},
		"starts where it is told": {
			SubscribeOptions{Subscriber: "game", FromSequence: 7},
			[]part{{7, []uint64{7}, errBroken}, {8, []uint64{8}, nil}},
			[]uint64{7, 8}, []uint64{7, 0}, nil,
		},
		"breaks before the first event": {
			SubscribeOptions{Subscriber: "game"},
			[]part{{4, nil, errBroken}, {4, []uint64{4}, nil}},
			[]uint64{4}, []uint64{0, 0}, nil,
		},
		"the sidecar lost some": {
			SubscribeOptions{Subscriber: "game"},
			[]part{{1, []uint64{1, 2}, errBroken}, {4, []uint64{4}, nil}},
			[]uint64{1, 2}, []uint64{0, 0}, ErrEventsLost,
		},
		"a gap in the stream": {
			SubscribeOptions{Subscriber: "game"},
			[]part{{1, []uint64{1, 3}, nil}},
			[]uint64{1}, []uint64{0}, ErrEventsLost,
		},
		"a filtered stream has gaps": {
			SubscribeOptions{Subscriber: "game", Types: []pb.EventType{pb.EventType_EVENT_TYPE_CLIENT_RECV}},
			[]part{{1, []uint64{2, 5}, errBroken}, {3, []uint64{5, 9}, nil}},
			[]uint64{2, 5, 9}, []uint64{0, 0}, nil,
		},
		"with memory that is used again": {
			SubscribeOptions{Subscriber: "game", Reuse: true},
			[]part{{1, []uint64{1, 2, 3}, errBroken}, {2, []uint64{2, 3, 4}, nil}},
			[]uint64{1, 2, 3, 4}, []uint64{0, 0}, nil,
		},
		"an observer names what it wants": {
			SubscribeOptions{},
			[]part{{3, []uint64{3, 4}, errBroken}, {5, []uint64{5}, nil}},
			[]uint64{3, 4, 5}, []uint64{0, 5}, nil,
		},
		"an answer is an answer": {
			SubscribeOptions{Subscriber: "game"},
			[]part{{1, []uint64{1}, status.Error(codes.Aborted, "taken over")}},
			[]uint64{1}, []uint64{0}, status.Error(codes.Aborted, "taken over"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			requests := make(chan *pb.SubscribeRequest, len(c.parts))
			sub := attach(t, serveParts(c.parts, requests)).Subscribe(timeout(t), c.options)
			defer sub.Close()
			var got []uint64
			var last error
			for event, err := range sub.Events() {
				last = err
				if err == nil {
					got = append(got, event.GetSequence())
				}
			}
			assert.Equal(t, c.want, got)
			assert.ErrorIs(t, last, c.err)
			_, again := sub.Next()
			if c.err == nil {
				assert.ErrorIs(t, again, io.EOF)
			} else {
				assert.Equal(t, last, again, "the error stays")
			}
			close(requests)
			var asked []uint64
			sessions := map[string]bool{}
			for r := range requests {
				sessions[r.GetSession()] = true
				durable := c.options.Subscriber != ""
				assert.Equal(t, durable, r.GetSession() != "")
				assert.Equal(t, durable && len(asked) > 0, r.GetResume(), "it goes on, and takes nothing over")
				asked = append(asked, r.GetFromSequence())
				wantMode := pb.SubscriberMode_SUBSCRIBER_MODE_OBSERVER
				if c.options.Subscriber != "" {
					wantMode = pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING
				}
				assert.Equal(t, wantMode, r.GetMode())
			}
			assert.Equal(t, c.asked, asked)
			assert.Len(t, sessions, 1)
		})
	}
}

func TestSubscriptionAcknowledgesWhatIsHandled(t *testing.T) {
	for name, shared := range map[string]bool{"over a stream of its own": false, "over the program's": true} {
		t.Run(name, func(t *testing.T) { testAcknowledging(t, shared) })
	}
}

func testAcknowledging(t *testing.T, shared bool) {
	t.Helper()
	acks := make(chan uint64, 10)
	a := &applier{breakAfter: []int{2}, lose: true, senders: map[string]bool{}} // the first one has to be sent again
	a.applies = func(command *pb.Command) { acks <- command.GetAcknowledge().GetSequence() }
	s := serveParts([]part{{1, []uint64{1, 2}, nil}}, make(chan *pb.SubscribeRequest, 1))
	s.commands = a.serve
	sidecar, options := attach(t, s), SubscribeOptions{EndpointID: "e", Subscriber: "game"}
	if shared {
		options.Commands = sidecar.Commands(timeout(t), CommandsOptions{EndpointID: "e"})
		defer func() { assert.NoError(t, options.Commands.Close(timeout(t)), "the subscription leaves it alone") }()
	}
	sub := sidecar.Subscribe(timeout(t), options)
	defer sub.Close()
	_, err := sub.Next()
	require.NoError(t, err)
	assert.Empty(t, acks, "what was only delivered is not handled")
	_, err = sub.Next()
	require.NoError(t, err)
	assert.EqualValues(t, 1, receive(t, acks))
	_, err = sub.Next()
	require.ErrorIs(t, err, io.EOF)
	assert.EqualValues(t, 2, receive(t, acks))
}

// TestSubscriptionSaysThatItLeaves with what it has handled, even if the program's context has ended: that is how programs end.
func TestSubscriptionSaysThatItLeaves(t *testing.T) {
	for name, canceled := range map[string]bool{"while the program goes on": false, "when the program ends": true} {
		t.Run(name, func(t *testing.T) {
			left := make(chan *pb.Acknowledgement, 1)
			requests := make(chan *pb.SubscribeRequest, 1)
			s := serveParts([]part{{1, []uint64{1, 2}, nil}}, requests)
			s.acknowledge = func(a *pb.Acknowledgement) { left <- a }
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			sub := attach(t, s).Subscribe(ctx, SubscribeOptions{EndpointID: "e", Subscriber: "game"})
			for range 2 {
				_, err := sub.Next()
				require.NoError(t, err)
			}
			if canceled {
				cancel()
			}
			sub.Close()
			leaving := receive(t, left)
			assert.True(t, leaving.GetLeaving())
			assert.Equal(t, "game", leaving.GetSubscriber())
			assert.EqualValues(t, 1, leaving.GetSequence(), "the second event was delivered, and is not handled")
			assert.Equal(t, receive(t, requests).GetSession(), leaving.GetSession())
		})
	}
}

// TestSubscriptionAcknowledgesWhatIsRepeated: a sidecar that has forgotten the subscriber sends two batches and waits.
func TestSubscriptionAcknowledgesWhatIsRepeated(t *testing.T) {
	acks := make(chan uint64, 10)
	a := &applier{senders: map[string]bool{}}
	a.applies = func(command *pb.Command) { acks <- command.GetAcknowledge().GetSequence() }
	s := serveParts([]part{{1, []uint64{1, 2}, errBroken}, {1, []uint64{1, 2, 3}, nil}}, make(chan *pb.SubscribeRequest, 2))
	s.commands = a.serve
	sub := attach(t, s).Subscribe(timeout(t), SubscribeOptions{Subscriber: "game"})
	defer sub.Close()
	for range 3 {
		_, err := sub.Next()
		require.NoError(t, err)
	}
	for _, want := range []uint64{1, 2, 1, 2} {
		assert.Equal(t, want, receive(t, acks))
	}
}

// TestSubscriptionEndsWithItsAcknowledgements: without them the stream of events would stand still for ever.
func TestSubscriptionEndsWithItsAcknowledgements(t *testing.T) {
	refusal := status.Error(codes.InvalidArgument, "leaves a gap")
	for name, c := range map[string]struct {
		refuses error // how the sidecar ends the stream of commands
		shared  bool
		closes  bool // the program closes its Commands before the subscription
		want    error
	}{
		"a stream of its own is refused": {refuses: refusal, want: refusal},
		"the program's is refused":       {refuses: refusal, shared: true, want: refusal},
		"the program closes its own":     {shared: true, closes: true, want: ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			s := &scripted{
				commands: (&applier{senders: map[string]bool{}}).serve,
				subscribe: func(_ *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
					header, events := &pb.SubscribeHeader{NextSequence: 1}, []*pb.Event{{Sequence: 1}}
					if err := stream.Send(&pb.SubscribeResponse{Header: header, Events: events}); err != nil {
						return err
					}
					<-stream.Context().Done() // until there is an acknowledgement
					return stream.Context().Err()
				},
			}
			if c.refuses != nil {
				s.commands = func(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
					for range 2 { // it opens, and brings the first acknowledgement
						if _, err := stream.Recv(); err != nil {
							return err
						}
						if err := stream.Send(&pb.CommandsResponse{}); err != nil {
							return err
						}
					}
					return c.refuses
				}
			}
			sidecar, options := attach(t, s), SubscribeOptions{Subscriber: "game"}
			if c.shared {
				options.Commands = sidecar.Commands(timeout(t), CommandsOptions{})
				defer func() { _ = options.Commands.Close(timeout(t)) }()
			}
			sub := sidecar.Subscribe(timeout(t), options)
			defer sub.Close()
			_, err := sub.Next()
			require.NoError(t, err)
			if c.closes {
				require.NoError(t, options.Commands.Close(timeout(t)))
			}
			_, err = sub.Next()
			assert.ErrorIs(t, err, c.want)
		})
	}
}

// TestSubscriptionReadsOnWithoutAcknowledgements when the endpoint is forgotten, or its sidecar gone: there is nothing to
// acknowledge any more, but maybe something to read.
func TestSubscriptionReadsOnWithoutAcknowledgements(t *testing.T) {
	for name, ended := range map[string]error{
		"no such endpoint": status.Error(codes.NotFound, "no such endpoint"),
		"no sidecar":       errors.Join(ErrSidecarLost, errBroken),
	} {
		t.Run(name, func(t *testing.T) {
			sidecar := attach(t, &scripted{
				commands: (&applier{senders: map[string]bool{}}).serve,
				subscribe: func(_ *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
					return stream.Send(&pb.SubscribeResponse{
						Header: &pb.SubscribeHeader{NextSequence: 1}, Events: []*pb.Event{{Sequence: 1}},
					})
				},
			})
			sub := sidecar.Subscribe(timeout(t), SubscribeOptions{Subscriber: "game"})
			defer sub.Close()
			sub.acks.cancel(ended) // as its goroutine does
			sub.acksEnded()
			_, err := sub.Next()
			require.NoError(t, err)
			_, err = sub.Next()
			assert.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestSubscriptionCloseEndsNext(t *testing.T) {
	opened := make(chan struct{})
	s := &scripted{
		commands: (&applier{senders: map[string]bool{}}).serve,
		subscribe: func(_ *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
			close(opened)
			<-stream.Context().Done()
			return stream.Context().Err()
		},
	}
	sub := attach(t, s).Subscribe(t.Context(), SubscribeOptions{Subscriber: "game"})
	ended := make(chan error)
	go func() {
		_, err := sub.Next()
		ended <- err
	}()
	receive(t, opened)
	sub.Close()
	assert.ErrorIs(t, receive(t, ended), context.Canceled)
}
