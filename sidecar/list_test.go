package sidecar

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

func TestGetInfo(t *testing.T) {
	s := start(t, Options{})
	info, err := s.client(t, gameToken).GetInfo(testContext(t), &pb.GetInfoRequest{})
	require.NoError(t, err)
	require.Equal(t, "0.0.1-test", info.GetVersion())
	require.Equal(t, []string{"v1"}, info.GetApiVersions())
	require.Equal(t, uint32(2), info.GetProtocolVersion())
	require.Equal(t, uint32(os.Getpid()), info.GetPid())
	require.WithinDuration(t, time.Now(), info.GetStartedAt().AsTime(), patience)
	require.Equal(t, "full", info.GetScope())
	require.Equal(t, uint32(17<<20), info.GetMaxMessageBytes())
	require.Contains(t, info.GetBuild(), "go1.")
	require.Equal(t, uint64(1<<30), info.GetMemoryBudgetBytes())
	require.Zero(t, info.GetMemoryUsedBytes())
	limits := info.GetDefaultLimits()
	require.Equal(t, uint32(16<<20), limits.GetMaxPacketBytes())
	require.Equal(t, uint32(65536), limits.GetMaxConnections())
	require.Equal(t, 10*time.Second, limits.GetHandshakeTimeout().AsDuration())
	require.Equal(t, uint64(64<<20), limits.GetBacklogBytes())
	require.Equal(t, uint32(1<<20), limits.GetBacklogEvents())
	require.Zero(t, limits.GetIdleTimeout().AsDuration(), "no limit")
}

func TestListEndpoints(t *testing.T) {
	s := serve(t, &pb.EndpointOptions{
		Label:  "lobby",
		Limits: &pb.Limits{MaxPacketBytes: 1 << 20, IdleTimeout: seconds(90), BacklogEvents: 5000, PacketsPerSecond: 1000},
	})
	require.NoError(t, s.peer.Send(0, packet.Name("echo"), []byte("\xc0")))
	awaitRecv(t, s.events, 64)
	connected, err := s.client.Connect(testContext(t), &pb.ConnectRequest{Address: "127.0.0.1:" + s.port()})
	require.NoError(t, err)
	listed, err := s.client.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
	require.NoError(t, err)
	require.Len(t, listed.GetEndpoints(), 2)
	server, client := listed.GetEndpoints()[0], listed.GetEndpoints()[1]

	require.Equal(t, s.id, server.GetEndpointId())
	require.Equal(t, pb.Side_SIDE_SERVER, server.GetSide())
	require.Equal(t, "lobby", server.GetLabel())
	require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_RUNNING, server.GetPhase())
	require.WithinDuration(t, time.Now(), server.GetCreatedAt().AsTime(), patience)
	require.GreaterOrEqual(t, server.GetConnectionsTotal(), uint64(1))
	require.GreaterOrEqual(t, server.GetPacketsReceived(), uint64(3), "settype, accept, echo")
	require.GreaterOrEqual(t, server.GetPacketsSent(), uint64(2), "hello, handshake")
	require.GreaterOrEqual(t, server.GetBytesReceived(), uint64(30))
	require.GreaterOrEqual(t, server.GetBytesSent(), uint64(30))
	require.Equal(t, uint64(1), server.GetFirstSequence())
	require.GreaterOrEqual(t, server.GetLastSequence(), uint64(10))
	require.Equal(t, uint32(1<<20), server.GetLimits().GetMaxPacketBytes())
	require.Equal(t, 90*time.Second, server.GetLimits().GetIdleTimeout().AsDuration())
	require.Equal(t, uint32(5000), server.GetLimits().GetBacklogEvents())
	require.Equal(t, uint32(1000), server.GetLimits().GetPacketsPerSecond())
	require.Equal(t, 10*time.Second, server.GetLimits().GetHandshakeTimeout().AsDuration(), "the default")
	require.Len(t, server.GetRegistry(), 7)
	require.Len(t, server.GetSubscribers(), 1)
	require.Equal(t, observer, server.GetSubscribers()[0].GetMode())

	require.Equal(t, connected.GetEndpointId(), client.GetEndpointId())
	require.Equal(t, pb.Side_SIDE_CLIENT, client.GetSide())
	require.Equal(t, server.GetAddress().GetPort(), client.GetAddress().GetPort())
}

func TestListConnections(t *testing.T) {
	s := serve(t, nil)
	for range 4 {
		join(t, &pb.BindResponse{Address: onlyEndpoint(t, s.client).GetAddress()})
		s.events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	}
	mode, state := uint32(3), uint32(65)
	_, err := s.client.UpdateConnection(testContext(t), &pb.UpdateConnectionRequest{
		EndpointId: s.id, Update: &pb.ConnectionUpdate{ConnectionId: 1, Mode: &mode, State: &state, JoinGroups: []string{"red", "blue"}},
	})
	require.NoError(t, err)
	page := func(size uint32, after uint64) []*pb.ConnectionInfo {
		listed, err := s.client.ListConnections(testContext(t), &pb.ListConnectionsRequest{EndpointId: s.id, PageSize: size, AfterConnectionId: after})
		require.NoError(t, err)
		return listed.GetConnections()
	}
	all := page(0, 0)
	require.Len(t, all, 5)
	require.Len(t, page(2, 0), 2)
	require.Len(t, page(2, 4), 1, "the last page")
	require.Equal(t, uint64(5), page(2, 4)[0].GetConnectionId())
	require.Empty(t, page(10, 5))

	first := all[0]
	require.Equal(t, uint64(1), first.GetConnectionId())
	require.Equal(t, s.peer.Local.Port, uint16(first.GetRemoteAddress().GetPort()))
	require.Equal(t, s.peer.Remote.Port, uint16(first.GetLocalAddress().GetPort()))
	require.Equal(t, state, first.GetState())
	require.Equal(t, mode, first.GetMode())
	require.Equal(t, "classic", first.GetConntype())
	require.Equal(t, []string{"blue", "red"}, first.GetGroups())
	require.Equal(t, uint64(2), first.GetPacketsReceived())
	require.Equal(t, uint64(2), first.GetPacketsSent())
	require.NotZero(t, first.GetBytesReceived())
	require.NotZero(t, first.GetBytesSent())
	require.WithinDuration(t, time.Now(), first.GetSince().AsTime(), patience)
	require.Equal(t, packet.StateActive, all[1].GetState())

	_, err = s.client.ListConnections(testContext(t), &pb.ListConnectionsRequest{EndpointId: s.id, PageSize: 10_001})
	requireInvalid(t, err, "page_size")

	result, err := s.client.Broadcast(testContext(t), &pb.BroadcastRequest{EndpointId: s.id, Message: &pb.BroadcastMessage{
		Packet: &pb.BroadcastMessage_Name{Name: "echo"}, Body: msgpackBody("\xc0"), ConnectionIds: []uint64{2, 3, 77}, ExcludeConnectionIds: []uint64{3},
	}})
	require.NoError(t, err)
	require.Equal(t, uint32(1), result.GetQueued())
	require.Equal(t, []uint64{77}, result.GetSkippedConnectionIds())
}

func TestShutdownCounts(t *testing.T) {
	s := serve(t, nil)
	result, err := s.client.Shutdown(testContext(t), &pb.ShutdownRequest{
		EndpointId: s.id, Shutdown: &pb.EndpointShutdown{Join: true, Timeout: seconds(10)},
	})
	require.NoError(t, err)
	require.Equal(t, uint32(1), result.GetDelivered())
	require.Zero(t, result.GetCut())
}
