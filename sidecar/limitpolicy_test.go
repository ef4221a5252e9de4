package sidecar

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestLimitPolicy(t *testing.T) {
	policy := LimitPolicy{
		Default: &pb.Limits{MaxConnections: 10, IdleTimeout: seconds(300), MaxConnectionsPerAddress: 50},
		Most:    &pb.Limits{MaxConnections: 20, MaxConnectionsPerAddress: 5, PacketsPerSecond: 100, HandshakeTimeout: seconds(5), BacklogBytes: 1 << 20},
	}
	expected := builtInLimits()
	expected.MaxConnections = 10
	expected.IdleTimeout = seconds(300)
	expected.MaxConnectionsPerAddress = 5 // the default is more than the most
	expected.PacketsPerSecond = 100       // instead of no limit at all
	expected.HandshakeTimeout = seconds(5)
	expected.BacklogBytes = 1 << 20

	s := start(t, Options{Limits: policy})
	client := s.client(t, gameToken)
	info, err := client.GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	require.True(t, proto.Equal(expected, info.GetDefaultLimits()), "%v", info.GetDefaultLimits())
	bind(t, client, nil)
	require.True(t, proto.Equal(expected, onlyEndpoint(t, client).GetLimits()), "%v", onlyEndpoint(t, client).GetLimits())

	bind(t, client, &pb.EndpointOptions{Limits: &pb.Limits{MaxConnections: 20, IdleTimeout: seconds(3600), PacketsPerSecond: 7}})
	listed, err := client.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
	require.NoError(t, err)
	given := listed.GetEndpoints()[1].GetLimits()
	expected.MaxConnections, expected.IdleTimeout, expected.PacketsPerSecond = 20, seconds(3600), 7
	require.True(t, proto.Equal(expected, given), "%v", given)

	for field, limits := range map[string]*pb.Limits{
		"max_connections":             {MaxConnections: 21},
		"max_connections_per_address": {MaxConnectionsPerAddress: 6},
		"handshake_timeout":           {HandshakeTimeout: seconds(5.1)},
		"backlog_bytes":               {BacklogBytes: 1<<20 + 1},
		"idle_timeout":                {IdleTimeout: seconds(-1)},
	} {
		_, err := client.Bind(testContext(t), &pb.BindRequest{Address: "127.0.0.1:0", Options: &pb.EndpointOptions{Limits: limits}})
		requireInvalid(t, err, "options.limits."+field)
		_, err = client.Connect(testContext(t), &pb.ConnectRequest{Address: "127.0.0.1:1", Options: &pb.EndpointOptions{Limits: limits}})
		requireInvalid(t, err, "options.limits."+field)
	}
}

func TestLimitPoliciesThatMakeNoSense(t *testing.T) {
	for _, policy := range []LimitPolicy{
		{Default: &pb.Limits{MaxPacketBytes: 1<<30 + 1}},
		{Most: &pb.Limits{MaxPacketBytes: 1<<30 + 1}},
		{Default: &pb.Limits{IdleTimeout: seconds(-1)}},
	} {
		_, err := New(Options{Tokens: testTokens(), Limits: policy})
		require.ErrorContains(t, err, "limits.")
	}
}
