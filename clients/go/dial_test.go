package pengbridge

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestIsDeserted(t *testing.T) {
	refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	loopback := &net.TCPAddr{IP: net.IPv6loopback, Port: 7777}
	elsewhere := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7777}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a port of this machine":  {&net.OpError{Addr: loopback, Err: refused}, true},
		"a socket":                {&net.OpError{Addr: &net.UnixAddr{Name: "/s"}, Err: refused}, true},
		"a socket that is gone":   {&net.OpError{Addr: &net.UnixAddr{Name: "/s"}, Err: os.NewSyscallError("connect", syscall.ENOENT)}, true},
		"a port of another one":   {&net.OpError{Addr: elsewhere, Err: refused}, false},
		"nobody answers":          {&net.OpError{Addr: loopback, Err: os.ErrDeadlineExceeded}, false},
		"a socket of others":      {&net.OpError{Addr: &net.UnixAddr{Name: "/s"}, Err: os.NewSyscallError("connect", syscall.EACCES)}, false},
		"a name that nobody has":  {&net.OpError{Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, false},
		"something else entirely": {errors.New("no"), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, isDeserted(c.err)) })
	}
}

// TestWhoAttachedLearnsOfTheEnd: a sidecar whose process has ended is not waited for as one that is out of reach.
func TestWhoAttachedLearnsOfTheEnd(t *testing.T) {
	sidecar, end := attachMortal(t, &scripted{
		subscribe: func(_ *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse]) error {
			if err := stream.Send(&pb.SubscribeResponse{Header: &pb.SubscribeHeader{NextSequence: 1}}); err != nil {
				return err
			}
			<-stream.Context().Done()
			return stream.Context().Err()
		},
		commands: func(stream grpc.BidiStreamingServer[pb.CommandsRequest, pb.CommandsResponse]) error {
			for {
				if _, err := stream.Recv(); err != nil {
					return err
				}
			}
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), giveUp/2) // or it was not because nobody listens
	defer cancel()
	commands := sidecar.Commands(ctx, CommandsOptions{})
	subscription := sidecar.Subscribe(ctx, SubscribeOptions{})
	end()
	_, err := subscription.Next()
	require.ErrorIs(t, err, ErrSidecarLost)
	require.ErrorIs(t, commands.Do(ctx, closeWith("")), ErrSidecarLost)
}
