package sidecar

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// everyCall runs f for each call of the API that there is, with what makes it: the request names the endpoint, if it can,
// and is empty besides.
func everyCall(t *testing.T, conn *grpc.ClientConn, endpointID string, f func(t *testing.T, method string, call func(context.Context) error)) {
	t.Helper()
	methods := pb.File_pengbridge_v1_sidecar_service_proto.Services().ByName("SidecarService").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		t.Run(string(m.Name()), func(t *testing.T) {
			f(t, string(m.Name()), func(ctx context.Context) error { return bareCall(ctx, conn, endpointID, m) })
		})
	}
}

// bareCall makes a call and returns its error, of a stream that of its first message.
func bareCall(ctx context.Context, conn *grpc.ClientConn, endpointID string, m protoreflect.MethodDescriptor) error {
	name := "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
	request, response := dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
	if field := m.Input().Fields().ByName("endpoint_id"); field != nil {
		request.Set(field, protoreflect.ValueOfString(endpointID))
	}
	if !m.IsStreamingServer() {
		return conn.Invoke(ctx, name, request, response)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: m.IsStreamingClient()}, name)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) { // io.EOF: RecvMsg knows more
		return err
	}
	return stream.RecvMsg(response)
}

func TestEveryCallNeedsAToken(t *testing.T) {
	s := start(t, Options{})
	conn := s.dial(t, "")
	for name, header := range map[string]string{
		"none":           "",
		"wrong":          "Bearer " + strings.Repeat("0", 64),
		"half":           "Bearer " + gameToken[:32],
		"empty":          "Bearer ",
		"no scheme":      gameToken,
		"another scheme": "Basic " + gameToken,
	} {
		t.Run(name, func(t *testing.T) {
			everyCall(t, conn, "", func(t *testing.T, _ string, call func(context.Context) error) {
				ctx := testContext(t)
				if header != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
				}
				message := requireFailure(t, call(ctx), codes.Unauthenticated, "NO_TOKEN")
				require.Contains(t, message, "authorization: Bearer")
			})
		})
	}
}

func TestHealthNeedsNoToken(t *testing.T) {
	s := start(t, Options{})
	health := healthpb.NewHealthClient(s.dial(t, ""))
	for _, service := range []string{"", "pengbridge.v1.SidecarService"} {
		require.Eventually(t, func() bool {
			response, err := health.Check(testContext(t), &healthpb.HealthCheckRequest{Service: service})
			return err == nil && response.GetStatus() == healthpb.HealthCheckResponse_SERVING
		}, patience, tick)
	}
}

func TestReadOnlyTokenMayOnlyLookOn(t *testing.T) {
	s := start(t, Options{})
	bound := bind(t, s.client(t, gameToken), nil)
	conn := s.dial(t, toolToken)

	everyCall(t, conn, bound.GetEndpointId(), func(t *testing.T, method string, call func(context.Context) error) {
		switch err := call(testContext(t)); method {
		case "GetInfo", "ListEndpoints", "ListConnections", "Subscribe": // without a mode: as an observer
			require.NoError(t, err)
		default:
			requireFailure(t, err, codes.PermissionDenied, "READ_ONLY_TOKEN")
		}
	})

	tool := pb.NewSidecarServiceClient(conn)
	info, err := tool.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	require.Equal(t, "read-only", info.GetScope())
	for _, mode := range []pb.SubscriberMode{
		pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE, pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING,
	} {
		err := subscribeError(t, tool, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId(), Subscriber: "tool", Mode: mode})
		requireFailure(t, err, codes.PermissionDenied, "READ_ONLY_TOKEN")
	}
}

func TestEndpointsOfOthersDoNotExist(t *testing.T) {
	s := start(t, Options{})
	game, other := s.client(t, gameToken), s.client(t, otherToken)
	mine, theirs := bind(t, game, nil), bind(t, other, nil)

	listed, err := other.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
	require.NoError(t, err)
	require.Len(t, listed.GetEndpoints(), 1)
	require.Equal(t, theirs.GetEndpointId(), listed.GetEndpoints()[0].GetEndpointId())

	for name, id := range map[string]string{
		"another owner's": mine.GetEndpointId(),
		"unknown":         "ep_0123456789abcdef_1",
		"empty":           "",
	} {
		t.Run(name, func(t *testing.T) {
			everyCall(t, s.dial(t, otherToken), id, func(t *testing.T, method string, call func(context.Context) error) {
				switch method {
				case "GetInfo", "ListEndpoints", "Bind", "Connect", "Ping":
					t.Skip("names no endpoint")
				}
				requireFailure(t, call(testContext(t)), codes.NotFound, "UNKNOWN_ENDPOINT")
			})
		})
	}
	listed, err = game.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
	require.NoError(t, err)
	require.Len(t, listed.GetEndpoints(), 1)
	require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_RUNNING, listed.GetEndpoints()[0].GetPhase(), "nobody else stopped it")
}

func TestThereIsNoModeWithoutTokens(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "Tokens")
}
