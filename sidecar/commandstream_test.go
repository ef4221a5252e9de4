package sidecar

// What tests of the Commands stream share: a stream, commands, and an endpoint with a peer.

import (
	"context"
	"io"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// commandStream is a Commands stream in a test's hands.
type commandStream struct {
	grpc.BidiStreamingClient[pb.CommandsRequest, pb.CommandsResponse]
	first  *pb.CommandsResponse
	cancel context.CancelFunc
}

// openCommands opens a stream and reads its first response.
func openCommands(tb testing.TB, client pb.SidecarServiceClient, endpointID, sender string) *commandStream {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	stream, err := client.Commands(ctx)
	require.NoError(tb, err)
	require.NoError(tb, stream.Send(&pb.CommandsRequest{EndpointId: endpointID, Sender: sender}))
	first, err := stream.Recv()
	require.NoError(tb, err)
	return &commandStream{stream, first, cancel}
}

func (s *commandStream) send(tb testing.TB, first uint64, commands ...*pb.Command) {
	tb.Helper()
	require.NoError(tb, s.Send(&pb.CommandsRequest{FirstNumber: first, Commands: commands}))
}

// await reads responses until commands up to the number are answered, and returns the failures among them.
func (s *commandStream) await(tb testing.TB, number uint64) []*pb.CommandFailure {
	tb.Helper()
	var failures []*pb.CommandFailure
	for applied := uint64(0); applied < number; {
		response, err := s.Recv()
		require.NoError(tb, err)
		require.Greater(tb, response.GetAppliedNumber(), applied, "cumulative")
		applied = response.GetAppliedNumber()
		failures = append(failures, response.GetFailures()...)
	}
	return failures
}

// finish half-closes the stream and expects it to end well.
func (s *commandStream) finish(tb testing.TB) {
	tb.Helper()
	require.NoError(tb, s.CloseSend())
	_, err := s.Recv()
	require.ErrorIs(tb, err, io.EOF)
}

// Commands.

func sendCommand(conn uint64, json string) *pb.Command {
	return &pb.Command{Action: &pb.Command_Send{Send: echo(conn, jsonBody(json))}}
}

func interruptCommand() *pb.Command {
	return &pb.Command{Action: &pb.Command_Interrupt{Interrupt: &pb.EndpointInterrupt{}}}
}

func flushCommand(timeout float64) *pb.Command {
	return &pb.Command{Action: &pb.Command_Flush{Flush: &pb.Flush{Timeout: seconds(timeout)}}}
}

// served is a server with one active connection, the 1.
type served struct {
	client pb.SidecarServiceClient
	id     string
	peer   *peer
	events *reader
}

func serve(t testing.TB, options *pb.EndpointOptions) *served {
	t.Helper()
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, options)
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	p := join(t, bound)
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	return &served{client, bound.GetEndpointId(), p, events}
}

// port is where the server listens.
func (s *served) port() string {
	return strconv.Itoa(int(s.peer.Remote.Port))
}
