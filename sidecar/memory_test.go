package sidecar

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

// memory returns what the sidecar says of its memory.
func memory(t *testing.T, client pb.SidecarServiceClient) (used, budget uint64) {
	t.Helper()
	info, err := client.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	return info.GetMemoryUsedBytes(), info.GetMemoryBudgetBytes()
}

// forgotten waits until nothing is held any more.
func forgotten(t *testing.T, client pb.SidecarServiceClient) {
	t.Helper()
	require.Eventually(t, func() bool {
		used, _ := memory(t, client)
		return used == 0
	}, patience, tick)
}

// TestMemoryBudget: a peer that does not read what the application sends goes when its packets are too much for the process,
// and the application sees why. Others are not touched, and nothing stays counted.
func TestMemoryBudget(t *testing.T) {
	s := start(t, Options{MemoryBudget: 8 << 20})
	client := s.client(t, gameToken)
	bound := bind(t, client, stuffable())
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	healthy := join(t, bound)
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	joinDeaf(t, portOf(bound))
	deaf := events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE).GetConnectionId()

	body := msgpackBody("\xc6\x00\x10\x00\x00" + strings.Repeat("\x5a", 1<<20)) // 1 MiB of bin
	var err error
	for sent := 0; err == nil; sent++ {
		require.Less(t, sent, 100)
		_, err = client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: bound.GetEndpointId(), Message: echo(deaf, body)})
	}
	require.Equal(t, codes.NotFound, status.Code(err), "%v", err)
	closed := events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE)
	require.Equal(t, deaf, closed.GetConnectionId())
	require.Equal(t, "overload", closed.GetReason())
	require.Contains(t, closed.GetDetail(), "memory budget")

	require.NoError(t, healthy.Send(0, packet.Name("echo"), []byte("\x01")))
	awaitRecv(t, events, 64)
	used, budget := memory(t, client)
	require.NotZero(t, used, "the log takes something")
	require.Less(t, used, uint64(1<<20))
	require.Equal(t, uint64(8<<20), budget)
	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: bound.GetEndpointId()})
	require.NoError(t, err)
	forgotten(t, client)
}

// TestMemoryOfLogs: a log counts until its endpoint is forgotten, and that of an endpoint that did not come about is.
func TestMemoryOfLogs(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Events: &pb.EventOptions{ExpectedSubscriber: "game"}})
	used, _ := memory(t, client)
	require.NotZero(t, used)

	_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:" + portOf(bound)})
	require.Equal(t, codes.AlreadyExists, status.Code(err))
	_, err = client.Connect(testContext(t), &pb.ConnectRequest{
		Address: "127.0.0.1:" + portOf(bound), Wait: pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
		Options: &pb.EndpointOptions{Packets: []*pb.Packet{{Name: "unknown to the server"}}},
	})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: bound.GetEndpointId()})
	require.NoError(t, err)
	used, _ = memory(t, client)
	require.NotZero(t, used, "the subscriber has not read it")
	game := subscribe(t, client, &pb.SubscribeRequest{
		EndpointId: bound.GetEndpointId(), Subscriber: "game", Mode: pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE,
	})
	for err = error(nil); err == nil; {
		_, err = game.next()
	}
	forgotten(t, client)
}
