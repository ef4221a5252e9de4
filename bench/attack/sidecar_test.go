//go:build full && linux

package attack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// patience bounds every wait. It is long, because the machine may be busy.
const patience = 60 * time.Second

// target is a sidecar with one server, and an application in this process that answers every echo packet.
type target struct {
	sidecar  *client.Sidecar
	endpoint string
	address  string
	pid      int
}

// startTarget runs until the test ends. Peers have less time for the handshake than by default, to keep the tests short.
func startTarget(t *testing.T) *target {
	t.Helper()
	var log bytes.Buffer
	sidecar, err := client.Spawn(t.Context(), client.SpawnOptions{Binary: pengbridge, Stderr: &log, Drain: patience})
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the sidecar's log:\n%s", tail(log.String()))
		}
	})
	t.Cleanup(func() { require.NoError(t, sidecar.Close()) })
	bound, err := sidecar.API.Bind(t.Context(), &pb.BindRequest{
		Address: "127.0.0.1:0",
		Ping:    &pb.PingOptions{},
		Options: &pb.EndpointOptions{
			Packets: []*pb.Packet{{Name: "echo"}},
			Limits:  &pb.Limits{HandshakeTimeout: durationpb.New(handshakeTimeout)},
			Events: &pb.EventOptions{
				ExpectedSubscriber: "application",
				OmitTypes:          []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND},
			},
		},
	})
	require.NoError(t, err)
	info, err := sidecar.API.GetInfo(t.Context(), &pb.GetInfoRequest{})
	require.NoError(t, err)
	s := &target{
		sidecar: sidecar, endpoint: bound.GetEndpointId(), pid: int(info.GetPid()),
		address: fmt.Sprintf("127.0.0.1:%d", bound.GetAddress().GetPort()),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.answer(context.Background()) }()
	t.Cleanup(func() {
		_, err := sidecar.API.Stop(context.Background(), &pb.StopRequest{EndpointId: s.endpoint})
		require.NoError(t, err)
		require.NoError(t, <-ended)
	})
	return s
}

// handshakeTimeout is short enough to see it end connections.
const handshakeTimeout = 3 * time.Second

// answer is the application: it sends every echo packet back, whoever sent it, until the server's last event.
func (s *target) answer(ctx context.Context) error {
	events := s.sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: s.endpoint, Subscriber: "application"})
	defer events.Close()
	commands := s.sidecar.Commands(ctx, client.CommandsOptions{EndpointID: s.endpoint})
	defer func() { _ = commands.Close(ctx) }()
	for {
		batch, err := events.Next()
		var answers []*pb.Command
		for _, event := range batch {
			if event.GetType() == pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV && event.GetPacketId() == echoID {
				answers = append(answers, &pb.Command{Action: &pb.Command_Send{Send: &pb.Message{
					ConnectionId: event.GetConnectionId(), Packet: &pb.Message_Id{Id: echoID},
					Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: event.GetMsgpack()}},
				}}})
			}
		}
		if len(answers) > 0 && err == nil {
			_, err = commands.Send(ctx, answers...)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// awaitConnections waits until the server has so many open connections.
func (s *target) awaitConnections(t *testing.T, n uint32) {
	t.Helper()
	require.Eventually(t, func() bool {
		listed, err := s.sidecar.API.ListEndpoints(t.Context(), &pb.ListEndpointsRequest{})
		require.NoError(t, err)
		return listed.GetEndpoints()[0].GetConnections() == n
	}, patience, 20*time.Millisecond)
}

// usage is what the sidecar's process has used.
type usage struct {
	cpu  time.Duration // user and system, since its start
	rss  int64         // resident bytes now
	peak int64         // the most since resetPeak
}

func (s *target) usage(t *testing.T) (u usage) {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	require.NoError(t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const utime, stime, ticks = 11, 12, 100 // places behind the name; per second
	for _, field := range []int{utime, stime} {
		n, err := strconv.Atoi(fields[field])
		require.NoError(t, err)
		u.cpu += time.Duration(n) * time.Second / ticks
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	require.NoError(t, err)
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "VmRSS: %d kB", &u.rss)
		_, _ = fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &u.peak)
	}
	u.rss, u.peak = u.rss<<10, u.peak<<10
	return u
}

// resetPeak makes the peak begin anew.
func (s *target) resetPeak(t *testing.T) {
	t.Helper()
	require.NoError(t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.pid), []byte("5"), 0))
}

// budget returns what the sidecar says it may hold for peers and in logs.
func (s *target) budget(t *testing.T) int64 {
	t.Helper()
	info, err := s.sidecar.API.GetInfo(t.Context(), &pb.GetInfoRequest{})
	require.NoError(t, err)
	return int64(info.GetMemoryBudgetBytes())
}

// tail returns the end of a long text.
func tail(s string) string { return s[max(0, len(s)-4000):] }
