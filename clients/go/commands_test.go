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

// applier is a scripted endpoint: it applies commands in order, once each, and breaks the connection as told.
type applier struct {
	breakAfter []int // after so many requests each, the first streams break, without answering the last one
	broken     error // how they do; nil: as a connection does
	lose       bool  // nor applying it
	patient    bool  // it keeps answers to itself until somebody asks, or the stream ends
	fails      uint64
	applied    uint64
	reasons    []string // of the closes that were applied, in order
	failures   []*pb.CommandFailure
	senders    map[string]bool
	applies    func(*pb.Command) // is told of each that is applied; may be nil
}

func (a *applier) serve(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
	limit := -1
	if len(a.breakAfter) > 0 {
		limit, a.breakAfter = a.breakAfter[0], a.breakAfter[1:]
	}
	for first := true; ; first = false {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.Send(&pb.CommandsResponse{AppliedNumber: a.applied})
		}
		if err != nil {
			return err
		}
		limit--
		if limit == 0 && a.lose {
			return a.end()
		}
		response := a.apply(request)
		if limit == 0 {
			return a.end()
		}
		if a.patient && request.GetAnswerLater() {
			continue
		}
		if first {
			a.senders[request.GetSender()] = true
			response.RecentFailures, response.Failures = a.failures, nil
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

func (a *applier) end() error {
	if a.broken != nil {
		return a.broken
	}
	return errBroken
}

func (a *applier) apply(request *pb.CommandsRequest) *pb.CommandsResponse {
	response := &pb.CommandsResponse{}
	for i, command := range request.GetCommands() {
		number := request.GetFirstNumber() + uint64(i)
		if number <= a.applied {
			continue
		}
		a.applied = number
		a.reasons = append(a.reasons, command.GetClose().GetReason())
		if a.applies != nil {
			a.applies(command)
		}
		if number == a.fails {
			response.Failures = append(response.Failures, &pb.CommandFailure{
				Number: number, Code: uint32(codes.NotFound), Message: "no such connection", Reason: "UNKNOWN_CONNECTION",
			})
			a.failures = response.Failures
		}
	}
	response.AppliedNumber = a.applied
	return response
}

func closeWith(reason string) *pb.Command {
	return &pb.Command{Action: &pb.Command_Close{Close: &pb.ConnectionClose{Reason: &reason}}}
}

func TestCommandsAreAppliedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		breakAfter []int
		lose       bool
		broken     error
	}{
		"no break":                     {nil, false, nil},
		"a break before any command":   {[]int{1}, true, nil},
		"a break with an answer lost":  {[]int{2}, false, nil},
		"a break with a command lost":  {[]int{2}, true, nil},
		"several breaks, one in a row": {[]int{3, 1, 2}, false, nil},
		"the same, with commands lost": {[]int{3, 1, 2}, true, nil},
		"an older stream comes late":   {[]int{2}, true, status.Error(codes.Aborted, "taken over")},
	} {
		t.Run(name, func(t *testing.T) {
			a := &applier{breakAfter: c.breakAfter, lose: c.lose, broken: c.broken, fails: 2, senders: map[string]bool{}}
			failures := make(chan *CommandError, 10)
			c := attach(t, &scripted{commands: a.serve}).Commands(timeout(t), CommandsOptions{
				EndpointID: "e",
				OnFailure:  func(e *CommandError) { failures <- e },
			})
			want := []string{"a", "b", "c", "d", "e"}
			for i, reason := range want {
				number, err := c.Send(timeout(t), closeWith(reason))
				require.NoError(t, err)
				require.EqualValues(t, i+1, number)
				require.NoError(t, c.Wait(timeout(t), number)) // one request each
			}
			require.NoError(t, c.Close(timeout(t)))
			assert.Equal(t, want, a.reasons)
			assert.Len(t, a.senders, 1, "the same sender comes back")
			require.Len(t, failures, 1)
			failure := <-failures
			assert.Equal(t, &CommandError{2, codes.NotFound, "no such connection", "UNKNOWN_CONNECTION"}, failure)
			assert.ErrorContains(t, failure, "command 2: no such connection (NotFound)")
		})
	}
}

func TestCommandsDo(t *testing.T) {
	a := &applier{fails: 2, senders: map[string]bool{}}
	told := false
	c := attach(t, &scripted{commands: a.serve}).Commands(timeout(t), CommandsOptions{
		OnFailure: func(*CommandError) { told = true },
	})
	require.NoError(t, c.Do(timeout(t), closeWith("a")))
	err := c.Do(timeout(t), closeWith("b"))
	assert.Equal(t, codes.NotFound, status.Code(err))
	require.NoError(t, c.Do(timeout(t), closeWith("c")))
	require.NoError(t, c.Close(timeout(t)))
	assert.False(t, told, "only the caller that waits for the answer gets it")
	_, err = c.Send(timeout(t), closeWith("d"))
	assert.ErrorIs(t, err, ErrClosed)
}

// TestCommandsAskForAnswers has a sidecar that says nothing unasked, where the real one would take its time.
func TestCommandsAskForAnswers(t *testing.T) {
	a := &applier{patient: true, senders: map[string]bool{}}
	sidecar := attach(t, &scripted{commands: a.serve})
	c := sidecar.Commands(timeout(t), CommandsOptions{})
	require.NoError(t, c.Do(timeout(t), closeWith("a")))
	last, err := c.Send(timeout(t), closeWith("b"), closeWith("c"))
	require.NoError(t, err)
	require.NoError(t, c.Wait(timeout(t), last))
	require.NoError(t, c.Wait(timeout(t), 1), "the answer came long ago")
	_, err = c.Send(timeout(t), closeWith("d"))
	require.NoError(t, err)
	require.NoError(t, c.Close(timeout(t)))
	assert.Equal(t, []string{"a", "b", "c", "d"}, a.reasons)
}

func TestCommandsReportARefusal(t *testing.T) {
	refusal := status.Error(codes.NotFound, "no such endpoint")
	c := attach(t, &scripted{
		commands: func(grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error { return refusal },
	}).Commands(timeout(t), CommandsOptions{EndpointID: "gone"})
	err := c.Do(timeout(t), closeWith("a"))
	assert.Equal(t, codes.NotFound, status.Code(err))
	assert.Equal(t, codes.NotFound, status.Code(c.Close(timeout(t))))
}

func TestCommandsCloseGivesUp(t *testing.T) {
	c := attach(t, &scripted{
		commands: func(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
			<-stream.Context().Done() // never answers
			return stream.Context().Err()
		},
	}).Commands(t.Context(), CommandsOptions{})
	_, err := c.Send(timeout(t), closeWith("a"))
	require.NoError(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, c.Wait(over, 1), context.Canceled)
	assert.ErrorIs(t, c.Close(over), context.Canceled)
}

// TestCommandsCloseWithoutASidecar: one that does not answer any more is not waited for, whatever the context would allow.
func TestCommandsCloseWithoutASidecar(t *testing.T) {
	sidecar, end := attachMortal(t, &scripted{
		commands: func(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
			<-stream.Context().Done() // never answers
			return stream.Context().Err()
		},
	})
	c := sidecar.Commands(t.Context(), CommandsOptions{})
	_, err := c.Send(timeout(t), closeWith("a"))
	require.NoError(t, err)
	end()
	assert.ErrorIs(t, c.Close(context.Background()), ErrSidecarLost)
}
