package pengbridge

import (
	"context"
	"net"
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
}

func (s *scripted) GetInfo(context.Context, *pb.GetInfoRequest) (*pb.GetInfoResponse, error) {
	return &pb.GetInfoResponse{Version: "0.0.0"}, nil
}

func (s *scripted) Subscribe(
	request *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse],
) error {
	return s.subscribe(request, stream)
}

func (s *scripted) Commands(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
	return s.commands(stream)
}

// attach serves a scripted sidecar until the test ends, and attaches to it.
func attach(t *testing.T, s *scripted) *Sidecar {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	pb.RegisterSidecarServiceServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	sidecar, err := Attach(t.Context(), listener.Addr().String(), AttachOptions{TokenFile: tokenFile(t)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sidecar.Close()) })
	return sidecar
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
