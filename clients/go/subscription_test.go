package pengbridge

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
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
