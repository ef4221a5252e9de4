package sidecar

// What callers see when there is no room: in a peer's queue, or in the log.

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

func broadcastCommand(body *pb.PacketBody) *pb.Command {
	return &pb.Command{Action: &pb.Command_Broadcast{Broadcast: broadcastOf(body)}}
}

func broadcastOf(body *pb.PacketBody) *pb.BroadcastMessage {
	return &pb.BroadcastMessage{Packet: &pb.BroadcastMessage_Name{Name: "echo"}, Body: body}
}

// requireCommandFailure checks a failure of a Commands stream.
func requireCommandFailure(t *testing.T, f *pb.CommandFailure, number uint64, code codes.Code, reason string) {
	t.Helper()
	require.Equal(t, number, f.GetNumber())
	require.Equal(t, code, codes.Code(f.GetCode()))
	require.Equal(t, reason, f.GetReason())
	require.NotEmpty(t, f.GetMessage())
}

// TestSendQueueFull sends to peers that do not read, in every way there is, until their queues overflow. The others go on.
func TestSendQueueFull(t *testing.T) {
	options := stuffable()
	options.Limits = &pb.Limits{SendQueueBytes: 1 << 20}
	s := serve(t, options)
	stream := openCommands(t, s.client, s.id, "")
	body := msgpackBody("\xc6\x00\x10\x00\x00" + strings.Repeat("\x5a", 1<<20)) // 1 MiB of bin
	const enough = 100                                                          // MiB: more than sockets hold
	number := uint64(0)
	for name, send := range map[string]func(t *testing.T, conn uint64) (failed bool){
		"unary": func(t *testing.T, conn uint64) bool {
			_, err := s.client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: s.id, Message: echo(conn, body)})
			if err == nil {
				return false
			}
			requireFailure(t, err, codes.ResourceExhausted, "SEND_QUEUE_FULL")
			return true
		},
		"command": func(t *testing.T, conn uint64) bool {
			number++
			stream.send(t, number, &pb.Command{Action: &pb.Command_Send{Send: echo(conn, body)}})
			failures := stream.await(t, number)
			if len(failures) == 0 {
				return false
			}
			requireCommandFailure(t, failures[0], number, codes.ResourceExhausted, "SEND_QUEUE_FULL")
			return true
		},
		"broadcast": func(t *testing.T, conn uint64) bool {
			message := broadcastOf(body)
			message.ConnectionIds = []uint64{conn}
			answer, err := s.client.Broadcast(testContext(t), &pb.BroadcastRequest{EndpointId: s.id, Message: message})
			require.NoError(t, err)
			if answer.GetQueued() == 1 {
				return false
			}
			require.Equal(t, []uint64{conn}, answer.GetSkippedConnectionIds())
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			joinDeaf(t, s.port())
			conn := s.events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE).GetConnectionId()
			for sent := 0; !send(t, conn); sent++ {
				require.Less(t, sent, enough)
			}
			closed := s.events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE)
			require.Equal(t, conn, closed.GetConnectionId())
			require.Equal(t, "sendqueuefull", closed.GetReason())
			require.NoError(t, s.peer.Send(0, packet.Name("echo"), []byte("\x01")))
			awaitRecv(t, s.events, 64)
		})
	}
}

// TestEventLogFull fills the log of an endpoint: what would have to be recorded is refused, whatever way it comes, and what
// needs no room, or has its own, goes on. When the subscriber has caught up, sending works again.
func TestEventLogFull(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{
		Events: &pb.EventOptions{ExpectedSubscriber: "game"},
		Limits: &pb.Limits{BacklogEvents: 50},
	})
	id := bound.GetEndpointId()
	watching := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id})
	p := join(t, bound)
	watching.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	interrupts(t, client, id, 50)

	message := echo(1, msgpackBody("\x01"))
	stream := openCommands(t, client, id, "")
	_, err := client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: id, Message: message})
	requireFailure(t, err, codes.ResourceExhausted, "EVENT_LOG_FULL")
	_, err = client.Broadcast(testContext(t), &pb.BroadcastRequest{EndpointId: id, Message: broadcastOf(message.GetBody())})
	requireFailure(t, err, codes.ResourceExhausted, "EVENT_LOG_FULL")
	stream.send(t, 1, &pb.Command{Action: &pb.Command_Send{Send: message}}, interruptCommand(), broadcastCommand(message.GetBody()))
	failures := stream.await(t, 3)
	require.Len(t, failures, 2)
	requireCommandFailure(t, failures[0], 1, codes.ResourceExhausted, "EVENT_LOG_FULL")
	requireCommandFailure(t, failures[1], 3, codes.ResourceExhausted, "EVENT_LOG_FULL")

	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Subscriber: "game", Mode: acknowledging})
	last := onlyEndpoint(t, client).GetLastSequence()
	for e, err := log.next(); ; e, err = log.next() {
		require.NoError(t, err)
		if e.GetSequence() == last {
			break
		}
	}
	acknowledge(t, client, id, "game", last)
	_, err = client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: id, Message: message})
	require.NoError(t, err)
	require.Equal(t, "\x01", string(p.awaitPacket(t).Body), "of all of them, this one went out")

	interrupts(t, client, id, 50)
	_, err = client.CloseConnection(testContext(t), &pb.CloseConnectionRequest{EndpointId: id, Close: &pb.ConnectionClose{ConnectionId: 1}})
	require.NoError(t, err)
	_, err = client.Stop(testContext(t), &pb.StopRequest{EndpointId: id})
	require.NoError(t, err, "with events that nobody has acknowledged")
	require.Greater(t, onlyEndpoint(t, client).GetBacklogEvents(), uint64(50), "they are all still there")
}
