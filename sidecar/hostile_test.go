package sidecar

// Callers that mean harm, or know no better, at the gRPC side; and a good one that must not notice.

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

// TestGarbageOnTheGRPCPort is refused, whatever it is.
func TestGarbageOnTheGRPCPort(t *testing.T) {
	s := start(t, Options{greeting: 200 * time.Millisecond})
	good := s.client(t, gameToken)
	require.Eventually(t, func() bool { // on a busy machine it may be too slow itself; later it has a connection that stands
		_, err := good.GetInfo(testContext(t), &pb.GetInfoRequest{})
		return err == nil
	}, patience, tick)
	preface := http2.ClientPreface
	for name, bytes := range map[string]string{
		"HTTP/1.1":              "GET / HTTP/1.1\r\nHost: sidecar\r\n\r\n",
		"HTTP/1.1 upgrade":      "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		"TLS":                   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + string(make([]byte, 507)),
		"peng3dnet":             "\x00\x00\x00\x17\x00\x00\x00\x02\x00\x00\x81\xa8conntype\xa7classic",
		"zeros":                 string(make([]byte, 1<<16)),
		"nothing":               "",
		"half a preface":        preface[:12],
		"no settings":           preface,
		"huge frame":            preface + "\xff\xff\xff\x04\x00\x00\x00\x00\x00",
		"data without a stream": preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x01\x00\x01\x00\x00\x00\x00!",
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.connect(t)
			go func() { _, _ = conn.Write([]byte(bytes)) }() // which may not be read to its end
			requireEnd(t, conn)
			_, err := good.GetInfo(testContext(t), &pb.GetInfoRequest{})
			require.NoError(t, err)
		})
	}
}

// TestTooManyConnections: further ones are closed at once, and there is room again when one has gone.
func TestTooManyConnections(t *testing.T) {
	s := start(t, Options{MaxConnections: 3})
	good := s.client(t, gameToken)
	_, err := good.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	silent := []net.Conn{s.connect(t), s.connect(t)}
	for i := range uint64(50) {
		requireEnd(t, s.connect(t))
		require.Equal(t, i+1, s.connections.refused.Load())
	}
	_, err = good.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	require.NoError(t, silent[0].Close())
	require.Eventually(t, func() bool {
		_, err := s.client(t, otherToken).GetInfo(testContext(t), &pb.GetInfoRequest{})
		return err == nil
	}, patience, tick)
}

// TestThousandsOfStreams: one application's do not keep another one waiting, and leave nothing behind.
func TestThousandsOfStreams(t *testing.T) {
	s := start(t, Options{})
	greedy, good := s.client(t, otherToken), s.client(t, gameToken)
	theirs := bind(t, greedy, nil).GetEndpointId()
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	for range manyStreams {
		stream, err := greedy.Subscribe(ctx, &pb.SubscribeRequest{EndpointId: theirs})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.NoError(t, err)
	}
	mine := bind(t, good, nil)
	p := join(t, mine)
	events := subscribe(t, good, &pb.SubscribeRequest{EndpointId: mine.GetEndpointId()})
	require.NoError(t, p.Stop())
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE)
	cancel()
	require.Eventually(t, func() bool {
		listed, err := greedy.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
		require.NoError(t, err)
		return len(listed.GetEndpoints()[0].GetSubscribers()) == 0
	}, patience, tick)
}

// TestThousandsOfStreamsWithoutAToken are all refused, and a good call beside them is answered.
func TestThousandsOfStreamsWithoutAToken(t *testing.T) {
	s := start(t, Options{})
	strange, good := s.client(t, ""), s.client(t, gameToken)
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			for range manyStreams / 8 {
				stream, err := strange.Commands(testContext(t))
				if err == nil {
					_, err = stream.Recv()
				}
				if code := status.Code(err); code != codes.Unauthenticated && code != codes.ResourceExhausted {
					t.Errorf("a stranger got in: %v", err)
				}
			}
		})
	}
	for range 20 {
		_, err := good.GetInfo(testContext(t), &pb.GetInfoRequest{})
		require.NoError(t, err)
	}
	calls.Wait()
}

// TestHalfSentMessagesOfStrangers: gRPC reads a message before anybody may refuse it, so only a few may be under way.
func TestHalfSentMessagesOfStrangers(t *testing.T) {
	s := start(t, Options{})
	caller := s.callRaw(t)
	for range maxStrangers {
		caller.begin(t, healthpb.Health_Check_FullMethodName, "")
	}
	for _, token := range []string{"", "wrong", otherToken[1:]} {
		last := caller.begin(t, pb.SidecarService_SendMessage_FullMethodName, token)
		id, code := caller.awaitStatus(t)
		require.Equal(t, last, id)
		require.Equal(t, "8", code, "RESOURCE_EXHAUSTED")
	}
	_, err := s.client(t, gameToken).GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err, "a caller with a token is no stranger")
	require.NoError(t, caller.framer.WriteRSTStream(1, http2.ErrCodeCancel))
	require.Eventually(t, func() bool {
		_, err := healthpb.NewHealthClient(s.dial(t, "")).Check(testContext(t), &healthpb.HealthCheckRequest{})
		return err == nil
	}, patience, tick, "one has left")
}

// TestStrangersHaveLittleTime, and do not count when they have gone.
func TestStrangersHaveLittleTime(t *testing.T) {
	var s strangers
	look := s.tap(testTokens())
	header := func(token string) *tap.Info {
		return &tap.Info{Header: metadata.Pairs("authorization", "Bearer "+token)}
	}
	known, err := look(t.Context(), header(gameToken))
	require.NoError(t, err)
	_, limited := known.Deadline()
	require.False(t, limited)
	require.Zero(t, s.calls.Load())

	call, end := context.WithCancel(t.Context())
	strange, err := look(call, header("no"))
	require.NoError(t, err)
	deadline, limited := strange.Deadline()
	require.True(t, limited)
	require.LessOrEqual(t, time.Until(deadline), strangerTime)
	require.Equal(t, int64(1), s.calls.Load())
	end()
	require.Eventually(t, func() bool { return s.calls.Load() == 0 }, patience, tick)
}

// TestHugeHeaders are refused before they are stored.
func TestHugeHeaders(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	_, err := client.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	huge := metadata.AppendToOutgoingContext(testContext(t), "x-padding", string(bytes.Repeat([]byte("x"), 2*maxHeaders)))
	_, err = client.GetInfo(huge, &pb.GetInfoRequest{})
	require.Error(t, err)
	_, err = client.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
}

// TestPingsTooOften: keepalive that does nothing but cost is answered with the end of the connection.
func TestPingsTooOften(t *testing.T) {
	s := start(t, Options{})
	caller := s.callRaw(t)
	go func() {
		for range 100 {
			if caller.framer.WritePing(false, [8]byte{}) != nil {
				return
			}
		}
	}()
	for {
		frame, err := caller.framer.ReadFrame()
		require.NoError(t, err)
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			require.Equal(t, http2.ErrCodeEnhanceYourCalm, away.ErrCode)
			return
		}
	}
}

// TestOneApplicationDoesNotStallAnother: one that does not read its events, and lets its log fill up, holds up itself.
func TestOneApplicationDoesNotStallAnother(t *testing.T) {
	s := start(t, Options{})
	stuck, good := s.client(t, otherToken), s.client(t, gameToken)
	theirs := bind(t, stuck, &pb.EndpointOptions{
		Limits: &pb.Limits{BacklogEvents: 64}, Events: &pb.EventOptions{ExpectedSubscriber: "nobody"},
	})
	flooder := join(t, theirs)
	for range 500 { // what the server does not read waits in sockets and queues
		require.NoError(t, flooder.Send(0, packet.Name("echo"), []byte("\xc0")))
	}
	require.Eventually(t, func() bool {
		return onlyEndpoint(t, stuck).GetPhase() == pb.EndpointPhase_ENDPOINT_PHASE_PAUSED
	}, patience, tick)

	mine := bind(t, good, nil)
	p := join(t, mine)
	events := subscribe(t, good, &pb.SubscribeRequest{EndpointId: mine.GetEndpointId()})
	for range 100 {
		require.NoError(t, p.Send(0, packet.Name("echo"), []byte("\xc0")))
		awaitRecv(t, events, 64)
		_, err := good.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: mine.GetEndpointId(), Message: echo(1, msgpackBody("\xc0"))})
		require.NoError(t, err)
		p.awaitPacket(t)
	}
	_, err := stuck.Stop(testContext(t), &pb.StopRequest{EndpointId: theirs.GetEndpointId()})
	require.NoError(t, err)
}
