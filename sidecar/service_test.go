package sidecar

import (
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestServerEndToEnd(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	p := join(t, bound)
	sub := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	require.Equal(t, uint64(1), sub.header.GetNextSequence())
	conn := sub.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE).GetConnectionId()
	_, err := client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: bound.GetEndpointId(), Message: echo(conn, jsonBody(`{"a":1}`))})
	require.NoError(t, err)
	require.Equal(t, "\x81\xa1a\x01", string(p.awaitPacket(t).Body))
	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: bound.GetEndpointId()})
	require.NoError(t, err)
}
