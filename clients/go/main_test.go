package pengbridge

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// wait is how long a test waits for what must happen.
const wait = 10 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted is a sidecar that does what a test says, and nothing else.
type scripted struct {
	pb.UnimplementedSidecarServiceServer
	subscribe func(*pb.SubscribeRequest, grpc.ServerStreamingServer[pb.SubscribeResponse]) error
	commands  func(grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error
	// acknowledge is told of acknowledgements outside of commands; may be nil
	acknowledge func(*pb.Acknowledgement)
}

func (s *scripted) GetInfo(context.Context, *pb.GetInfoRequest) (*pb.GetInfoResponse, error) {
	return &pb.GetInfoResponse{Version: "0.0.0"}, nil
}

func (s *scripted) Subscribe(
	request *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse],
) error {
	return s.subscribe(request, stream)
}

func (s *scripted) Acknowledge(_ context.Context, request *pb.AcknowledgeRequest) (*pb.AcknowledgeResponse, error) {
	if s.acknowledge != nil {
		s.acknowledge(request.GetAcknowledgement())
	}
	return &pb.AcknowledgeResponse{}, nil
}

func (s *scripted) Commands(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
	return s.commands(stream)
}

// attach serves a scripted sidecar until the test ends, and attaches to it.
func attach(t *testing.T, s *scripted) *Sidecar {
	t.Helper()
	sidecar, _ := attachMortal(t, s)
	return sidecar
}

// attachMortal does the same with a sidecar that can be ended before.
func attachMortal(t *testing.T, s *scripted) (sidecar *Sidecar, end func()) {
	t.Helper()
	folder, err := os.MkdirTemp("", "pb") // short enough for a socket, whose address nobody else gets when it is free again
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	path := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	server := grpc.NewServer()
	pb.RegisterSidecarServiceServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	sidecar, err = Attach(t.Context(), "unix:"+path, AttachOptions{TokenFile: tokenFile(t)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sidecar.Close()) })
	return sidecar, server.Stop
}

func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, launch.WriteTokenFile(path, launch.Token{Secret: launch.NewSecret(), Owner: "test"}))
	require.FileExists(t, path)
	return path
}

func timeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	t.Cleanup(cancel)
	return ctx
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(wait):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}
