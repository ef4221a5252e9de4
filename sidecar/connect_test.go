package sidecar

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// silentServer accepts TCP connections and says nothing. It returns its address.
func silentServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	return listener.Addr().String()
}

// freeAddress returns an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestConnectAnswersWithAddressesAndRegistry(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	connected, err := client.Connect(testContext(t), &pb.ConnectRequest{
		Address: "localhost:" + portOf(bound),
		Options: &pb.EndpointOptions{Packets: []*pb.Packet{{Name: "other"}, {Name: "echo"}}},
		Wait:    pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
	})
	require.NoError(t, err)
	require.Equal(t, bound.GetAddress().GetPort(), connected.GetRemoteAddress().GetPort())
	require.NotZero(t, connected.GetLocalAddress().GetPort())
	require.Equal(t, bound.GetRegistry(), connected.GetRegistry(), "agreed with the server, whatever the order was (defect 25)")
}

func TestConnectFails(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	server, silent, free := "127.0.0.1:"+portOf(bound), silentServer(t), freeAddress(t)
	handshake := pb.ConnectWait_CONNECT_WAIT_HANDSHAKE
	for _, c := range []struct {
		name    string
		request *pb.ConnectRequest
		code    codes.Code
		reason  string
		message string
	}{
		{"nobody listens (defect 36)", &pb.ConnectRequest{Address: free}, codes.Unavailable, "CONNECT_REFUSED", free},
		{"an unknown host", &pb.ConnectRequest{Address: "no-such-host.invalid:1"}, codes.Unavailable, "UNKNOWN_HOST", "no-such-host.invalid"},
		{"no handshake in time", &pb.ConnectRequest{Address: silent, Wait: handshake, Timeout: seconds(0.1)}, codes.DeadlineExceeded, "TIMED_OUT", "handshake"},
		{"a handshake that fails (defect 19)", &pb.ConnectRequest{Address: server, Wait: handshake}, codes.FailedPrecondition, "HANDSHAKE_FAILED", "packetregmismatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client.Connect(testContext(t), c.request)
			require.Contains(t, requireFailure(t, err, c.code, c.reason), c.message)
			if c.reason == "HANDSHAKE_FAILED" {
				require.Equal(t, "packetregmismatch", infoOf(status.Convert(err)).GetMetadata()["close_reason"])
			}
		})
	}
	require.Equal(t, bound.GetEndpointId(), onlyEndpoint(t, client).GetEndpointId(), "no endpoint is left behind")
}

func TestConnectRequestsThatMakeNoSense(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	address := "127.0.0.1:" + portOf(bind(t, client, nil))
	for field, request := range map[string]*pb.ConnectRequest{
		"address":               {Address: "1:2:3"},
		"conntype":              {Address: address, Conntype: "mine"},
		"wait":                  {Address: address, Wait: 7},
		"missing_packet_action": {Address: address, MissingPacketAction: 7},
		"timeout":               {Address: address, Timeout: durationpb.New(6 * time.Minute)},
	} {
		t.Run(field, func(t *testing.T) {
			_, err := client.Connect(testContext(t), request)
			requireInvalid(t, err, field)
		})
	}
	_, err := client.Connect(testContext(t), &pb.ConnectRequest{
		Address: address, Wait: pb.ConnectWait_CONNECT_WAIT_HANDSHAKE, Options: &pb.EndpointOptions{DeferredStart: true},
	})
	requireInvalid(t, err, "wait")
}

func TestConnectIgnoresMissingPackets(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	connected, err := client.Connect(testContext(t), &pb.ConnectRequest{
		Address:             "127.0.0.1:" + portOf(bound),
		Options:             &pb.EndpointOptions{Packets: []*pb.Packet{{Name: "mine"}, {Name: "echo"}}},
		Wait:                pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
		MissingPacketAction: pb.MissingPacketAction_MISSING_PACKET_ACTION_IGNORE,
	})
	require.NoError(t, err)
	send := func(name string) error {
		_, err := client.SendMessage(testContext(t), &pb.SendMessageRequest{
			EndpointId: connected.GetEndpointId(),
			Message:    &pb.Message{Packet: &pb.Message_Name{Name: name}, Body: msgpackBody("\xc0")},
		})
		return err
	}
	require.NoError(t, send("echo"))
	message := requireFailure(t, send("mine"), codes.NotFound, "UNKNOWN_PACKET")
	require.Contains(t, message, "server")
}

func TestConnectWithACustomConntype(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	mine := []*pb.Conntype{{Name: "mine", Handshake: pb.ConntypeHandshake_CONNTYPE_HANDSHAKE_NONE}}
	bound := bind(t, client, &pb.EndpointOptions{Conntypes: mine})
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	connected, err := client.Connect(testContext(t), &pb.ConnectRequest{
		Address: "127.0.0.1:" + portOf(bound), Conntype: "mine", Wait: pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
		Options: &pb.EndpointOptions{Conntypes: mine},
	})
	require.NoError(t, err)
	_, err = client.SendMessage(testContext(t), &pb.SendMessageRequest{
		EndpointId: connected.GetEndpointId(),
		Message:    &pb.Message{Packet: &pb.Message_Id{Id: 4711}, Body: msgpackBody("\xc0")},
	})
	require.NoError(t, err, "ids pass unregistered there")
	awaitRecv(t, events, 4711)
}

func TestCancelledConnect(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	silent := silentServer(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Connect(ctx, &pb.ConnectRequest{Address: silent, Wait: pb.ConnectWait_CONNECT_WAIT_HANDSHAKE})
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	require.Eventually(t, func() bool {
		listed, err := client.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
		return err == nil && len(listed.GetEndpoints()) == 0
	}, patience, tick)
}

func TestPing(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound, err := client.Bind(testContext(t), &pb.BindRequest{
		Address: "127.0.0.1:0", Ping: &pb.PingOptions{Data: jsonBody(`{"players":3}`)},
	})
	require.NoError(t, err)
	address := "127.0.0.1:" + portOf(bound)
	pong, err := client.Ping(testContext(t), &pb.PingRequest{
		Address: address, Data: jsonBody(`{"who":"me"}`), Format: pb.BodyFormat_BODY_FORMAT_JSON,
	})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(pong.GetData().GetJson(), `{"oldmsg":{"who":"me","time":`), pong.GetData().GetJson())
	require.Contains(t, pong.GetData().GetJson(), `"players":3,"peng3dnet":{`)
	require.Positive(t, pong.GetDelay().AsDuration())
	require.WithinDuration(t, time.Now(), time.Unix(0, int64(pong.GetReceivedUnixNano())), patience)

	plain, err := client.Ping(testContext(t), &pb.PingRequest{Address: address})
	require.NoError(t, err)
	require.NotEmpty(t, plain.GetData().GetMsgpack())
	require.Eventually(t, func() bool { return onlyEndpoint(t, client).GetConnections() == 0 }, patience, tick,
		"pings leave nothing behind (defect 12)")
}

// TestPingAnsweredByTheApplication: the server's application gets the ping as packets, and answers.
func TestPingAnsweredByTheApplication(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound, err := client.Bind(testContext(t), &pb.BindRequest{
		Address: "127.0.0.1:0", Ping: &pb.PingOptions{ApplicationAnswers: true},
	})
	require.NoError(t, err)
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	answered := make(chan error, 1)
	go func() {
		for {
			e, err := events.next()
			if err == nil && e.GetPacketId() == 64 && e.GetType() == pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV {
				_, err = client.SendMessage(context.Background(), &pb.SendMessageRequest{EndpointId: bound.GetEndpointId(), Message: &pb.Message{
					ConnectionId: e.GetConnectionId(), Packet: &pb.Message_Id{Id: 65}, Body: jsonBody(`{"mine":true}`),
				}})
				answered <- err
				return
			}
			if err != nil {
				answered <- err
				return
			}
		}
	}()
	pong, err := client.Ping(testContext(t), &pb.PingRequest{Address: "127.0.0.1:" + portOf(bound), Format: pb.BodyFormat_BODY_FORMAT_JSON})
	require.NoError(t, err)
	require.NoError(t, <-answered)
	require.JSONEq(t, `{"mine":true}`, pong.GetData().GetJson())
}

func TestPingFails(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	without := "127.0.0.1:" + portOf(bind(t, client, nil))
	_, err := client.Ping(testContext(t), &pb.PingRequest{Address: without})
	require.Contains(t, requireFailure(t, err, codes.FailedPrecondition, "HANDSHAKE_FAILED"), "unknownconntype") // defect 22
	_, err = client.Ping(testContext(t), &pb.PingRequest{Address: freeAddress(t)})
	requireFailure(t, err, codes.Unavailable, "CONNECT_REFUSED")
	_, err = client.Ping(testContext(t), &pb.PingRequest{Address: silentServer(t), Timeout: seconds(0.1)})
	requireFailure(t, err, codes.DeadlineExceeded, "TIMED_OUT")
	for field, request := range map[string]*pb.PingRequest{
		"address":              {Address: "1:2:3"},
		"data":                 {Address: without, Data: jsonBody(`[]`)},
		"data.json":            {Address: without, Data: jsonBody(`[`)},
		"format":               {Address: without, Format: 9},
		"timeout":              {Address: without, Timeout: durationpb.New(-1)},
		"tls.ca_file":          {Address: without, Tls: &pb.TlsOptions{CaFile: "/no/such/file"}},
		"tls.certificate_file": {Address: without, Tls: &pb.TlsOptions{CertificateFile: "/no/such/file", KeyFile: "/nor/this"}},
	} {
		t.Run(field, func(t *testing.T) {
			_, err := client.Ping(testContext(t), request)
			requireInvalid(t, err, field)
		})
	}
}
