package sidecar

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// TestEveryEvent lets one sidecar host a server and a client of it, goes through their lives, and reads both logs.
func TestEveryEvent(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	begun := time.Now()
	server := bind(t, client, nil)
	serverLog := subscribe(t, client, &pb.SubscribeRequest{EndpointId: server.GetEndpointId()})
	connected, err := client.Connect(testContext(t), &pb.ConnectRequest{
		Address: "127.0.0.1:" + portOf(server),
		Options: &pb.EndpointOptions{Packets: []*pb.Packet{{Name: "other"}, {Name: "echo"}}}, // not the server's order (defect 25)
		Wait:    pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
	})
	require.NoError(t, err)
	clientLog := subscribe(t, client, &pb.SubscribeRequest{EndpointId: connected.GetEndpointId()})

	serverLog.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	for _, send := range []*pb.SendMessageRequest{
		{EndpointId: connected.GetEndpointId(), Message: echo(0, msgpackBody("\x01"))},
		{EndpointId: server.GetEndpointId(), Message: echo(1, msgpackBody("\x02"))},
	} {
		_, err := client.SendMessage(testContext(t), send)
		require.NoError(t, err)
	}
	_, err = client.Broadcast(testContext(t), &pb.BroadcastRequest{
		EndpointId: server.GetEndpointId(),
		Message:    &pb.BroadcastMessage{Packet: &pb.BroadcastMessage_Id{Id: 65}, Body: msgpackBody("\x03")},
	})
	require.NoError(t, err)
	for _, id := range []string{server.GetEndpointId(), connected.GetEndpointId()} {
		_, err = client.Interrupt(testContext(t), &pb.InterruptRequest{EndpointId: id})
		require.NoError(t, err)
	}
	reason, clientReason := "see you", "userrequest"
	awaitRecv(t, serverLog, 64)
	awaitRecv(t, clientLog, 65)
	_, err = client.CloseConnection(testContext(t), &pb.CloseConnectionRequest{
		EndpointId: connected.GetEndpointId(), Close: &pb.ConnectionClose{Reason: &clientReason},
	})
	require.NoError(t, err)
	serverLog.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE)
	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: connected.GetEndpointId()})
	require.NoError(t, err)
	_, err = client.Shutdown(testContext(t), &pb.ShutdownRequest{
		EndpointId: server.GetEndpointId(),
		Shutdown:   &pb.EndpointShutdown{Reason: &reason, Join: true, Timeout: seconds(2.5)},
	})
	require.NoError(t, err)

	serverEvents, clientEvents := rest(t, serverLog), rest(t, clientLog)
	requireLog(t, begun, serverEvents)
	requireLog(t, begun, clientEvents)
	requireOrder(t, serverEvents,
		pb.EventType_EVENT_TYPE_SERVER_INITIALIZE, pb.EventType_EVENT_TYPE_SERVER_BIND, pb.EventType_EVENT_TYPE_SERVER_START,
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_ACCEPT, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND,
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE,
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE,
		pb.EventType_EVENT_TYPE_SERVER_STOP, pb.EventType_EVENT_TYPE_SERVER_INTERRUPT, pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN)
	requireOrder(t, clientEvents,
		pb.EventType_EVENT_TYPE_CLIENT_INITIALIZE, pb.EventType_EVENT_TYPE_CLIENT_CONNECT, pb.EventType_EVENT_TYPE_CLIENT_START,
		pb.EventType_EVENT_TYPE_CLIENT_RECV, pb.EventType_EVENT_TYPE_CLIENT_SEND, pb.EventType_EVENT_TYPE_CLIENT_HANDSHAKECOMPLETE,
		pb.EventType_EVENT_TYPE_CLIENT_SEND, pb.EventType_EVENT_TYPE_CLIENT_CLOSE,
		pb.EventType_EVENT_TYPE_CLIENT_STOP, pb.EventType_EVENT_TYPE_CLIENT_INTERRUPT)

	for typ, check := range map[pb.EventType]func(*pb.Event) bool{
		pb.EventType_EVENT_TYPE_SERVER_BIND: func(e *pb.Event) bool { return e.GetAddress().GetPort() == server.GetAddress().GetPort() },
		pb.EventType_EVENT_TYPE_SERVER_STOP: func(e *pb.Event) bool { return e.GetReason() == "method" },
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_ACCEPT: func(e *pb.Event) bool {
			return e.GetAddress().GetPort() == connected.GetLocalAddress().GetPort() && e.GetConnectionId() == 1
		},
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND: func(e *pb.Event) bool {
			return len(e.GetConnectionIds()) == 1 && e.GetPacket() == "other" && string(e.GetMsgpack()) == "\x03" && len(e.GetFrame()) == 11
		},
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV: func(e *pb.Event) bool {
			return e.GetPacket() == "echo" && string(e.GetMsgpack()) == "\x01" && !e.GetRefused()
		},
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE: func(e *pb.Event) bool { return e.GetReason() == clientReason }, // defect 28
		pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN: func(e *pb.Event) bool {
			return e.GetReason() == reason && e.GetJoin() && e.GetTimeout().AsDuration() == 2500*time.Millisecond
		},
		pb.EventType_EVENT_TYPE_CLIENT_CONNECT: func(e *pb.Event) bool {
			return e.GetRemoteAddress().GetPort() == server.GetAddress().GetPort() && e.GetLocalAddress().GetPort() == connected.GetLocalAddress().GetPort()
		},
		pb.EventType_EVENT_TYPE_CLIENT_HANDSHAKECOMPLETE: func(e *pb.Event) bool {
			return len(e.GetRegistry()) == 7 && e.GetRegistry()[5].GetName() == "echo" && e.GetRegistry()[5].GetId() == 64
		},
		pb.EventType_EVENT_TYPE_CLIENT_RECV:  func(e *pb.Event) bool { return e.GetPacketId() == 65 && string(e.GetMsgpack()) == "\x03" },
		pb.EventType_EVENT_TYPE_CLIENT_SEND:  func(e *pb.Event) bool { return e.GetPacket() == "echo" && string(e.GetMsgpack()) == "\x01" },
		pb.EventType_EVENT_TYPE_CLIENT_CLOSE: func(e *pb.Event) bool { return e.GetReason() == clientReason }, // defect 14
		pb.EventType_EVENT_TYPE_CLIENT_STOP:  func(e *pb.Event) bool { return e.GetReason() == "method" },
	} {
		found := false
		for _, e := range append(serverEvents, clientEvents...) {
			found = found || e.GetType() == typ && check(e)
		}
		require.True(t, found, "no %v is as it should be", typ)
	}
	seen := make(map[pb.EventType]bool)
	for _, e := range append(serverEvents, clientEvents...) {
		seen[e.GetType()] = true
	}
	require.Len(t, seen, 20, "all that are documented (defect 21)")
}

// awaitRecv waits until a packet with the id was received.
func awaitRecv(t *testing.T, log *reader, id uint32) {
	t.Helper()
	for {
		e, err := log.next()
		require.NoError(t, err)
		received := e.GetType() == pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV || e.GetType() == pb.EventType_EVENT_TYPE_CLIENT_RECV
		if received && e.GetPacketId() == id {
			return
		}
	}
}

// rest reads a log to its end, and returns all events that were ever read.
func rest(t *testing.T, log *reader) []*pb.Event {
	t.Helper()
	for {
		if _, err := log.next(); err != nil {
			require.True(t, errors.Is(err, io.EOF), "%v", err)
			return log.seen
		}
	}
}

// requireLog checks what holds for every event of a log that was read from its beginning.
func requireLog(t *testing.T, begun time.Time, events []*pb.Event) {
	t.Helper()
	closed := make(map[uint64]bool)
	for i, e := range events {
		require.Equal(t, uint64(i+1), e.GetSequence())
		require.WithinRange(t, time.Unix(0, int64(e.GetTimeUnixNano())), begun.Add(-time.Second), time.Now())
		if id := e.GetConnectionId(); id != 0 {
			require.False(t, closed[id], "%v after the close", e.GetType())
			closed[id] = e.GetType() == pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE
		}
	}
}

// requireOrder checks that events of these types come in this order, whatever comes between them.
func requireOrder(t *testing.T, events []*pb.Event, types ...pb.EventType) {
	t.Helper()
	i := 0
	for _, typ := range types {
		for i < len(events) && events[i].GetType() != typ {
			i++
		}
		require.Less(t, i, len(events), "%v is missing or too early", typ)
		i++
	}
}
