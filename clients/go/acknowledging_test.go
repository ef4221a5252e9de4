package pengbridge

// What a durable subscription acknowledges, and how it ends with that.

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
