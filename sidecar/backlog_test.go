package sidecar

// Subscribers that do not keep up.

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

func TestObserversThatFallBehindAreTold(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Events: &pb.EventOptions{RingBytes: 1}})
	id := bound.GetEndpointId()
	interrupts(t, client, id, 5)
	err := subscribeError(t, client, &pb.SubscribeRequest{EndpointId: id, FromSequence: 1})
	requireFailure(t, err, codes.OutOfRange, "SEQUENCE_GONE")
	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id})
	require.Equal(t, log.header.GetFirstSequence(), log.header.GetNextSequence(), "0 is the oldest one held")
	require.Greater(t, log.header.GetFirstSequence(), uint64(1))
}

// TestABackloggedEndpointStallsItsPeer lets a peer send while its subscriber does not acknowledge: the peer comes to a
// standstill, and when the subscriber goes on, everything arrives.
func TestABackloggedEndpointStallsItsPeer(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{
		Events: &pb.EventOptions{ExpectedSubscriber: "game"},
		Limits: &pb.Limits{BacklogBytes: 1 << 20},
	})
	id := bound.GetEndpointId()
	watching := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Types: []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE}})
	p := join(t, bound)
	watching.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)

	// 16 MiB that cannot be compressed: more than the log takes and the sockets' buffers hold.
	const n, size = 1024, 16 << 10
	random := rand.NewChaCha8([32]byte{})
	for i := range n {
		body := []byte{0xc5, size >> 8, size & 0xff}
		body = append(body, make([]byte, size)...)
		_, _ = random.Read(body[3:])
		body[3], body[4] = byte(i>>8), byte(i)
		require.NoError(t, p.Send(0, packet.Name("echo"), body))
	}
	require.Eventually(t, func() bool {
		info := onlyEndpoint(t, client)
		return info.GetPhase() == pb.EndpointPhase_ENDPOINT_PHASE_PAUSED && info.GetPauses() == 1
	}, patience, tick)
	require.Eventually(t, standstill(t, p, client), patience, 20*tick)
	info := onlyEndpoint(t, client)
	require.Less(t, info.GetBacklogBytes(), uint64(1<<20+128<<10), "the limit, and what one read may add")
	require.NotZero(t, p.Conns(0, 1)[0].Queued, "the peer has to wait")
	require.Equal(t, []string{"game"}, []string{info.GetSubscribers()[0].GetName()})
	require.False(t, info.GetSubscribers()[0].GetConnected())

	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Subscriber: "game", Mode: acknowledging})
	for i, last := 0, uint64(0); i < n; {
		e, err := log.next()
		require.NoError(t, err)
		require.Equal(t, last+1, e.GetSequence(), "no gap")
		last = e.GetSequence()
		if len(log.batch) == 0 {
			acknowledge(t, client, id, "game", last)
		}
		if e.GetPacketId() == 64 {
			require.Equal(t, []byte{byte(i >> 8), byte(i)}, e.GetMsgpack()[3:5])
			i++
		}
	}
	require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_RUNNING, onlyEndpoint(t, client).GetPhase())
}

// standstill returns a condition that holds when neither end of a connection has moved since it was asked the last time.
func standstill(t *testing.T, p *peer, client pb.SidecarServiceClient) func() bool {
	var sent, received uint64
	return func() bool {
		sentBefore, receivedBefore := sent, received
		sent, received = p.Stats().BytesSent, onlyEndpoint(t, client).GetBytesReceived()
		return sent == sentBefore && received == receivedBefore
	}
}

func TestAnAcknowledgingSubscriberOwesTwoBatchesAtMost(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	id := bind(t, client, nil).GetEndpointId()
	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Subscriber: "game", Mode: acknowledging})
	_, err := log.next() // the first batch: 3 events
	require.NoError(t, err)
	interrupts(t, client, id, 1)
	e := log.await(t, pb.EventType_EVENT_TYPE_SERVER_INTERRUPT) // the second one
	interrupts(t, client, id, 3)
	require.Equal(t, uint64(4), onlyEndpoint(t, client).GetSubscribers()[0].GetSentSequence())
	acknowledge(t, client, id, "game", e.GetSequence())
	_, err = log.next()
	require.NoError(t, err)
	require.Len(t, log.batch, 2, "all that came meanwhile in one batch")
}
