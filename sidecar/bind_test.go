package sidecar

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestBindAnswersWithAddressAndRegistry(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound, err := client.Bind(testContext(t), &pb.BindRequest{
		Address: "127.0.0.1:0",
		Options: &pb.EndpointOptions{Packets: []*pb.Packet{{Name: "second", Id: 65}, {Name: "first"}, {Name: "third"}}},
	})
	require.NoError(t, err)
	require.Regexp(t, `^ep_[0-9a-f]{16}_1$`, bound.GetEndpointId())
	require.Equal(t, "127.0.0.1", bound.GetAddress().GetHost())
	require.NotZero(t, bound.GetAddress().GetPort())
	var rows []string
	for _, r := range bound.GetRegistry() {
		rows = append(rows, fmt.Sprintf("%d %s", r.GetId(), r.GetName()))
	}
	require.Equal(t, []string{
		"1 peng3dnet:internal.hello", "2 peng3dnet:internal.settype", "3 peng3dnet:internal.handshake",
		"4 peng3dnet:internal.handshake.accept", "16 peng3dnet:internal.closeconn",
		"64 first", "65 second", "66 third", // defect 30: a forced id is not given away again
	}, rows)
}

func TestEndpointIDsAreNeverUsedAgain(t *testing.T) {
	first, second := newEndpoints(nil, nil, LimitPolicy{}), newEndpoints(nil, nil, LimitPolicy{})
	seen := make(map[string]bool)
	for range 3 {
		for _, e := range []*endpoints{first, second} {
			h, err := e.reserve("game", "")
			require.NoError(t, err)
			require.False(t, seen[h.id])
			seen[h.id] = true
		}
	}
}

func TestBindRefusesAnAddressInUse(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	where := net.JoinHostPort("127.0.0.1", portOf(bound))
	_, err := client.Bind(testContext(t), &pb.BindRequest{Address: where})
	message := requireFailure(t, err, codes.AlreadyExists, "ADDRESS_IN_USE")
	require.Contains(t, message, where)

	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: bound.GetEndpointId()})
	require.NoError(t, err)
	_, err = client.Bind(testContext(t), &pb.BindRequest{Address: where})
	require.NoError(t, err, "defect 13: the port is free again")
}

// TestBindRefusesAHostThatIsNotHere: 192.0.2.1 is for documentation, and no machine's.
func TestBindRefusesAHostThatIsNotHere(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	for host, reason := range map[string]string{"192.0.2.1": "ADDRESS_NOT_HERE", "no-such-host.invalid": "UNKNOWN_HOST"} {
		_, err := client.Bind(testContext(t), &pb.BindRequest{Address: host + ":0"})
		require.Contains(t, requireFailure(t, err, codes.Unavailable, reason), host)
	}
}

func TestBindRefusesRegisteringTwice(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	for name, options := range map[string]*pb.EndpointOptions{
		"name":              {Packets: []*pb.Packet{{Name: "a"}, {Name: "a"}}},
		"id":                {Packets: []*pb.Packet{{Name: "a", Id: 70}, {Name: "b", Id: 70}}},
		"built-in conntype": {Conntypes: []*pb.Conntype{{Name: "classic"}}},
		"conntype":          {Conntypes: []*pb.Conntype{{Name: "mine"}, {Name: "mine"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:0", Options: options})
			requireFailure(t, err, codes.AlreadyExists, "ALREADY_REGISTERED")
		})
	}
}

// invalidOptions are options that make no sense, by the field that has to be named.
func invalidOptions() map[string]*pb.EndpointOptions {
	long, large := strings.Repeat("x", 513), uint32(99)
	negative, broken := durationpb.New(-1), &durationpb.Duration{Seconds: 1, Nanos: -1}
	return map[string]*pb.EndpointOptions{
		"options.label":                         {Label: long},
		"options.packets[1].name":               {Packets: []*pb.Packet{{Name: "a"}, {Name: ""}}},
		"options.packets[0].name":               {Packets: []*pb.Packet{{Name: "peng3dnet:mine"}}},
		"options.packets[0].id":                 {Packets: []*pb.Packet{{Name: "a", Id: 63}}},
		"options.packets[0].rule.side":          rule(&pb.PacketRule{Side: 3}),
		"options.packets[0].rule.min_tls_level": rule(&pb.PacketRule{MinTlsLevel: 257, Action: 257}), // the first one counts
		"options.packets[0].rule.action":        rule(&pb.PacketRule{Action: -1}),
		"options.packets[0].rule.conntype":      rule(&pb.PacketRule{Conntype: long}),
		"options.conntypes[0].handshake":        {Conntypes: []*pb.Conntype{{Name: "a", Handshake: 9}}},
		"options.compression.level":             {Compression: &pb.Compression{Level: &large}},
		"options.limits.max_packet_bytes":       {Limits: &pb.Limits{MaxPacketBytes: 1<<30 + 1}},
		"options.limits.handshake_timeout":      {Limits: &pb.Limits{HandshakeTimeout: negative}},
		"options.limits.write_stall_timeout":    {Limits: &pb.Limits{WriteStallTimeout: broken}},
		"options.limits.frame_stall_timeout":    {Limits: &pb.Limits{FrameStallTimeout: negative}},
		"options.limits.idle_timeout":           {Limits: &pb.Limits{IdleTimeout: broken}},
		"options.events.expected_subscriber":    {Events: &pb.EventOptions{ExpectedSubscriber: long}},
		"options.events.subscriber_grace":       {Events: &pb.EventOptions{SubscriberGrace: negative}},
		"options.events.lost_action":            {Events: &pb.EventOptions{LostAction: 9}},
		"options.events.omit_types[1]":          omit(pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE),
		"options.events.omit_types[0]":          omit(77),
		"options.tls.certificate_file":          {Tls: &pb.TlsOptions{KeyFile: "key.pem"}},
		"options.tls.key_file":                  {Tls: &pb.TlsOptions{CertificateFile: "cert.pem"}},
	}
}

func rule(r *pb.PacketRule) *pb.EndpointOptions {
	return &pb.EndpointOptions{Packets: []*pb.Packet{{Name: "a", Rule: r}}}
}

func omit(types ...pb.EventType) *pb.EndpointOptions {
	return &pb.EndpointOptions{Events: &pb.EventOptions{OmitTypes: types}}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	server := bind(t, client, nil)
	for field, options := range invalidOptions() {
		t.Run(field, func(t *testing.T) {
			_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:0", Options: options})
			requireInvalid(t, err, field)
			_, err = client.Connect(testContext(t), &pb.ConnectRequest{Address: "127.0.0.1:" + portOf(server), Options: options})
			requireInvalid(t, err, field)
		})
	}
	listed, err := client.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
	require.NoError(t, err)
	require.Len(t, listed.GetEndpoints(), 1, "no endpoint is left behind")
}

func TestBindRefusesWrongAddresses(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	for _, address := range []string{
		"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "1:2:3:4", "tcp://127.0.0.1:1", "[127.0.0.1]:1", "a b:1",
	} {
		t.Run(address, func(t *testing.T) {
			_, err := client.Bind(testContext(t), &pb.BindRequest{Address: address})
			requireInvalid(t, err, "address")
		})
	}
}

func TestBindRefusesPingDataThatIsNoMap(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	for name, data := range map[string]*pb.PacketBody{
		"an array":    jsonBody(`[1]`),
		"malformed":   msgpackBody("\xc1"),
		"empty bytes": msgpackBody(""),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:0", Ping: &pb.PingOptions{Data: data}})
			requireInvalid(t, err, "ping.data")
		})
	}
	_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:0", Ping: &pb.PingOptions{Data: jsonBody(`{`)}})
	requireInvalid(t, err, "ping.data.json")
}

func TestDeferredStart(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{DeferredStart: true})
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_BIND)
	require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_DEFERRED, onlyEndpoint(t, client).GetPhase())
	for range 2 { // the second time it does nothing
		_, err := client.Start(testContext(t), &pb.StartRequest{EndpointId: bound.GetEndpointId()})
		require.NoError(t, err)
	}
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_START)
	require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_RUNNING, onlyEndpoint(t, client).GetPhase())
	join(t, bound)
}

// onlyEndpoint returns what ListEndpoints says of the only one there is.
func onlyEndpoint(tb testing.TB, client pb.SidecarServiceClient) *pb.EndpointInfo {
	tb.Helper()
	listed, err := client.ListEndpoints(testContext(tb), &pb.ListEndpointsRequest{})
	require.NoError(tb, err)
	require.Len(tb, listed.GetEndpoints(), 1)
	return listed.GetEndpoints()[0]
}
