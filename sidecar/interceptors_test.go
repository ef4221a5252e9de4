package sidecar

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

// lines is a log that a test reads.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestLogHasCallsButNeitherBodiesNorTokens(t *testing.T) {
	log := &lines{}
	s := start(t, Options{Logger: log.logger()})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Label: "lobby"})
	for _, body := range []*pb.PacketBody{
		jsonBody(`{"password":"secret"}`), jsonBody(`{"secret":"sec`), jsonBody(`{"$secret":1}`), msgpackBody("\xa6secret\xc1"),
	} {
		_, err := client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: bound.GetEndpointId(), Message: echo(1, body)})
		require.Error(t, err)
	}
	_, err := s.client(t, "secret").GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.Error(t, err)
	_, err = healthpb.NewHealthClient(s.dial(t, "")).Check(testContext(t), &healthpb.HealthCheckRequest{})
	require.NoError(t, err)

	require.Eventually(t, func() bool { return bytes.Contains([]byte(log.String()), []byte("GetInfo")) }, patience, tick)
	require.Contains(t, log.String(), "grpc.method=SendMessage")
	require.Contains(t, log.String(), "grpc.code=InvalidArgument")
	require.NotContains(t, log.String(), "secret")
	require.NotContains(t, log.String(), gameToken)
	require.NotContains(t, log.String(), "Health")
}

// TestStrangersDoNotFloodTheLog: of many refusals some are told, and how many were not; what the operator has to know is told.
func TestStrangersDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		line := logTo(log.logger())
		for range 1000 {
			line(t.Context(), logging.LevelWarn, "refused")
			line(t.Context(), logging.LevelError, "failed")
		}
		require.Equal(t, refusalsAtOnce, strings.Count(log.String(), "refused others_unlogged=0"))
		require.Equal(t, 1000, strings.Count(log.String(), "failed"))
		time.Sleep(time.Second / refusalsPerSecond) // of the bubble's time
		line(t.Context(), logging.LevelWarn, "refused")
		require.Contains(t, log.String(), "refused others_unlogged=980")
	})
}

func TestPanicsAreAnswered(t *testing.T) {
	log := &lines{}
	recovered := recovery.UnaryServerInterceptor(recoverTo(log.logger()))
	_, err := recovered(t.Context(), nil, nil, func(context.Context, any) (any, error) { panic("secret state") })
	message := requireFailure(t, err, codes.Internal, "INTERNAL")
	require.NotContains(t, message, "secret", "that is for the log")
	require.Contains(t, log.String(), "secret state")
	require.Contains(t, log.String(), "TestPanicsAreAnswered", "with its stack")
}

// TestAPanicWhileCommandsAreApplied happens beside the handler's goroutine, where no interceptor is.
func TestAPanicWhileCommandsAreApplied(t *testing.T) {
	log := &lines{}
	s := start(t, Options{Logger: log.logger()})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	h, err := s.service.endpoints.get("game", bound.GetEndpointId())
	require.NoError(t, err)
	stream := openCommands(t, client, bound.GetEndpointId(), "python")
	kept := h.log
	h.senders.byName["python"].applying.Lock() // nothing is applied while the log is exchanged
	h.log = nil
	h.senders.byName["python"].applying.Unlock()
	stream.send(t, 1, &pb.Command{Action: &pb.Command_Acknowledge{Acknowledge: &pb.Acknowledgement{Subscriber: "x"}}})
	requireFailure(t, streamEnd(stream), codes.Internal, "INTERNAL")
	h.log = kept
	require.Contains(t, log.String(), "nil pointer")

	again := openCommands(t, client, bound.GetEndpointId(), "python")
	require.Zero(t, again.first.GetAppliedNumber(), "nothing is locked, and the command does not count")
}

func TestStreamsEndWithTheirCause(t *testing.T) {
	ending, end := context.WithCancelCause(context.Background())
	stream := &contextStream{ctx: t.Context()}
	err := endStreams(ending)(nil, stream, nil, func(_ any, wrapped grpc.ServerStream) error {
		require.NoError(t, wrapped.Context().Err())
		end(errDraining)
		<-wrapped.Context().Done()
		return context.Cause(wrapped.Context())
	})
	require.ErrorIs(t, err, errDraining)
}

type contextStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *contextStream) Context() context.Context { return s.ctx }

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := start(t, Options{Metrics: registry})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Label: "lobby", Limits: &pb.Limits{MaxConnections: 1, MaxPacketBytes: 1}})
	greedy := join(t, bound)
	require.Eventually(t, func() bool {
		values := gather(t, registry)
		return values["pengbridge_endpoint_connections"] == 1 &&
			values["pengbridge_endpoint_packets_received_total"] == 2 &&
			values["pengbridge_endpoint_events_total"] >= 8 &&
			values["pengbridge_memory_used_bytes"] == values["pengbridge_endpoint_log_memory_bytes"] &&
			values["pengbridge_memory_budget_bytes"] == 1<<30 &&
			values["grpc_server_handled_total"] >= 1
	}, patience, tick)
	refused, err := net.Dial("tcp", "127.0.0.1:"+portOf(bound))
	require.NoError(t, err)
	_, err = io.ReadAll(refused)
	require.NoError(t, err)
	require.NoError(t, refused.Close())
	values := gather(t, registry)
	require.Equal(t, 1.0, values["pengbridge_endpoint_connections_refused_total max_connections"])
	require.Equal(t, 0.0, values["pengbridge_endpoint_connections_closed_total packettoolarge"])
	require.NoError(t, greedy.Send(0, packet.Name("echo"), []byte("\xa2hi")))
	require.Eventually(t, func() bool {
		return gather(t, registry)["pengbridge_endpoint_connections_closed_total packettoolarge"] == 1
	}, patience, tick)
	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: bound.GetEndpointId()})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Keys(gather(t, registry))), func(name string) bool {
			return strings.HasPrefix(name, "pengbridge_endpoint_")
		})
	}, patience, tick, "they vanish with the endpoint")

	_, err = New(Options{Tokens: testTokens(), Metrics: registry})
	require.ErrorAs(t, err, &prometheus.AlreadyRegisteredError{})
}

// gather returns the sums of gauges and counters by name, and by name and reason where there are reasons.
func gather(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, label := range m.GetLabel() {
				if label.GetName() == "reason" {
					name += " " + label.GetValue()
				}
			}
			values[name] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
}

func TestChannelzWantsAFullToken(t *testing.T) {
	s := start(t, Options{Channelz: true})
	for token, code := range map[string]codes.Code{gameToken: codes.OK, toolToken: codes.PermissionDenied, "": codes.Unauthenticated} {
		_, err := channelzpb.NewChannelzClient(s.dial(t, token)).GetServers(testContext(t), &channelzpb.GetServersRequest{})
		require.Equal(t, code, status.Code(err))
	}
	without := start(t, Options{})
	_, err := channelzpb.NewChannelzClient(without.dial(t, gameToken)).GetServers(testContext(t), &channelzpb.GetServersRequest{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
}

func TestMessagesBeyondTheLimit(t *testing.T) {
	s := start(t, Options{MaxMessageBytes: 1000})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	_, err := client.SendMessage(testContext(t), &pb.SendMessageRequest{
		EndpointId: bound.GetEndpointId(), Message: echo(1, msgpackBody("\xc5\x04\x00"+string(make([]byte, 1024)))),
	})
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.False(t, errors.Is(err, context.DeadlineExceeded))
}
