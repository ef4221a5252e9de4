package sidecar

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
)

// FuzzRequests makes calls with any content, to an endpoint that is there: each is answered, and never with what means a
// mistake of ours. Calls that open sockets or end the endpoint are left out; FuzzOptions has what is particular to them.
func FuzzRequests(f *testing.F) {
	s := start(f, Options{})
	conn := s.dial(f, gameToken)
	bound := bind(f, pb.NewSidecarServiceClient(conn), nil)
	join(f, bound)
	var methods []protoreflect.MethodDescriptor
	service := pb.File_pengbridge_v1_sidecar_service_proto.Services().ByName("SidecarService")
	for i := range service.Methods().Len() {
		switch method := service.Methods().Get(i); method.Name() {
		case "Bind", "Connect", "Ping", "Stop", "Shutdown":
		default:
			if !method.IsStreamingClient() && !method.IsStreamingServer() {
				methods = append(methods, method)
			}
		}
	}
	for i, request := range []proto.Message{
		&pb.SendMessageRequest{Message: echo(1, msgpackBody("\xc0"))},
		&pb.BroadcastRequest{},
		&pb.CloseConnectionRequest{Close: &pb.ConnectionClose{ConnectionId: 9}},
		&pb.UpdateConnectionRequest{Update: &pb.ConnectionUpdate{ConnectionId: 1}},
		&pb.RegisterPacketsRequest{},
	} {
		f.Add(byte(i), marshal(f, request))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		method := methods[int(which)%len(methods)]
		request, response := messageOf(t, method.Input()), messageOf(t, method.Output())
		if proto.Unmarshal(data, request) != nil {
			return
		}
		if id := method.Input().Fields().ByName("endpoint_id"); id != nil {
			request.ProtoReflect().Set(id, protoreflect.ValueOfString(bound.GetEndpointId()))
		}
		err := conn.Invoke(testContext(t), "/"+string(service.FullName())+"/"+string(method.Name()), request, response)
		require.NotContains(t, []codes.Code{codes.Internal, codes.Unknown, codes.DeadlineExceeded}, status.Code(err), "%v", err)
	})
}

// messageOf returns an empty message of a type.
func messageOf(tb testing.TB, d protoreflect.MessageDescriptor) proto.Message {
	tb.Helper()
	typ, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	require.NoError(tb, err)
	return typ.New().Interface()
}

// FuzzOptions converts any options of an endpoint: they are taken, or refused with the name of a field or of what is there
// already.
func FuzzOptions(f *testing.F) {
	for _, options := range invalidOptions() {
		f.Add(marshal(f, options))
	}
	over, cancel := context.WithCancel(context.Background())
	cancel() // nothing is dialled
	f.Fuzz(func(t *testing.T, data []byte) {
		var options pb.EndpointOptions
		if proto.Unmarshal(data, &options) != nil {
			return
		}
		var invalid *packet.InvalidError
		if _, err := logOptions(&options, options.GetLimits()); err != nil {
			require.ErrorAs(t, err, &invalid)
		}
		converted, err := coreOptions(&options, options.GetLimits())
		if err != nil {
			require.ErrorAs(t, err, &invalid)
			return
		}
		converted.DeferredStart = true
		_, err = endpoint.Dial(over, "127.0.0.1:1", endpoint.ClientOptions{Options: converted})
		require.True(t, errors.As(err, &invalid) || errors.Is(err, packet.ErrExists) || errors.Is(err, context.Canceled), "%v", err)
	})
}
