package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/jsonbody"
)

func TestCommandsAreAppliedInOrder(t *testing.T) {
	s := serve(t, nil)
	stream := openCommands(t, s.client, s.id, "")
	require.Zero(t, stream.first.GetAppliedNumber())
	const n = 500
	for first := 1; first <= n; first += 50 { // several messages under way
		var batch []*pb.Command
		for number := first; number < first+50; number++ {
			batch = append(batch, sendCommand(1, fmt.Sprint(number)))
		}
		stream.send(t, uint64(first), batch...)
	}
	require.Empty(t, stream.await(t, n))
	for number := 1; number <= n; number++ {
		text, err := jsonbody.AppendJSON(nil, s.peer.awaitPacket(t).Body)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(number), string(text))
	}
	stream.finish(t)
}

// TestEveryCommand does each of them once, across all kinds in one message.
func TestEveryCommand(t *testing.T) {
	s := serve(t, nil)
	durable := subscribe(t, s.client, &pb.SubscribeRequest{EndpointId: s.id, Subscriber: "game", Mode: pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING})
	e, err := durable.next()
	require.NoError(t, err)
	state, reason := uint32(65), "enough"
	stream := openCommands(t, s.client, s.id, "")
	stream.send(t, 1,
		&pb.Command{Action: &pb.Command_RegisterPackets{RegisterPackets: &pb.PacketRegistration{Packets: []*pb.Packet{{Name: "new"}}}}},
		&pb.Command{Action: &pb.Command_RegisterConntypes{RegisterConntypes: &pb.ConntypeRegistration{Conntypes: []*pb.Conntype{{Name: "mine"}}}}},
		&pb.Command{Action: &pb.Command_Acknowledge{Acknowledge: &pb.Acknowledgement{Subscriber: "game", Sequence: e.GetSequence()}}},
		&pb.Command{Action: &pb.Command_SetCompression{SetCompression: &pb.Compression{Disabled: true}}},
		&pb.Command{Action: &pb.Command_Update{Update: &pb.ConnectionUpdate{ConnectionId: 1, State: &state, JoinGroups: []string{"red"}}}},
		interruptCommand(),
		sendCommand(1, `"sent"`),
		&pb.Command{Action: &pb.Command_Broadcast{Broadcast: &pb.BroadcastMessage{Packet: &pb.BroadcastMessage_Name{Name: "other"}, Body: jsonBody(`"cast"`), Group: "red"}}},
		flushCommand(5),
		&pb.Command{Action: &pb.Command_Close{Close: &pb.ConnectionClose{ConnectionId: 1, Reason: &reason}}},
		&pb.Command{Action: &pb.Command_Shutdown{Shutdown: &pb.EndpointShutdown{Join: true}}},
		&pb.Command{Action: &pb.Command_Stop{Stop: &pb.EndpointStop{}}},
	)
	require.Empty(t, stream.await(t, 12))
	stream.finish(t)
	require.Equal(t, "\xa4sent", string(s.peer.awaitPacket(t).Body))
	require.Equal(t, "\xa4cast", string(s.peer.awaitPacket(t).Body), "it was in the group")
	events := rest(t, s.events)
	requireOrder(t, events,
		pb.EventType_EVENT_TYPE_SERVER_INTERRUPT,
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND,
		pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE,
		pb.EventType_EVENT_TYPE_SERVER_STOP, pb.EventType_EVENT_TYPE_SERVER_SHUTDOWN)
	require.True(t, events[len(events)-1].GetJoin())
}

// TestPacketsLeaveBeforeTheClose sends packets and closes the connection in one message, whose packets leave together.
func TestPacketsLeaveBeforeTheClose(t *testing.T) {
	s := serve(t, nil)
	reason := "enough"
	stream := openCommands(t, s.client, s.id, "")
	stream.send(t, 1, sendCommand(1, "1"), sendCommand(1, "2"),
		&pb.Command{Action: &pb.Command_Close{Close: &pb.ConnectionClose{ConnectionId: 1, Reason: &reason}}},
		sendCommand(1, "3"))
	failures := stream.await(t, 4)
	require.Len(t, failures, 1, "only what comes behind the close")
	require.Equal(t, "UNKNOWN_CONNECTION", failures[0].GetReason())
	require.Equal(t, []byte{1}, s.peer.awaitPacket(t).Body)
	require.Equal(t, []byte{2}, s.peer.awaitPacket(t).Body)
	require.Equal(t, reason, *s.peer.await(t, event.ClientClose).Reason)
	require.Equal(t, reason, s.events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_CLOSE).GetReason(), "defect 15")
}

func TestCommandsSentAgainAreNotAppliedAgain(t *testing.T) {
	s := serve(t, nil)
	first := openCommands(t, s.client, s.id, "python")
	first.send(t, 1, sendCommand(1, "1"), sendCommand(9, "2"), sendCommand(1, "3"))
	require.Len(t, first.await(t, 3), 1)
	first.cancel() // the connection breaks

	second := openCommands(t, s.client, s.id, "python")
	require.Equal(t, uint64(3), second.first.GetAppliedNumber())
	require.Len(t, second.first.GetRecentFailures(), 1)
	require.Equal(t, uint64(2), second.first.GetRecentFailures()[0].GetNumber())
	require.Equal(t, "UNKNOWN_CONNECTION", second.first.GetRecentFailures()[0].GetReason())
	second.send(t, 2, sendCommand(1, "2"), sendCommand(1, "3"), sendCommand(1, "4"))
	require.Empty(t, second.await(t, 4))
	second.send(t, 1, sendCommand(1, "1")) // all old: nothing to answer
	second.finish(t)
	for _, want := range []byte{1, 3, 4} {
		require.Equal(t, []byte{want}, s.peer.awaitPacket(t).Body)
	}

	nameless := openCommands(t, s.client, s.id, "")
	require.Zero(t, nameless.first.GetAppliedNumber())
	nameless.send(t, 1, sendCommand(1, "5"))
	nameless.await(t, 1)
	other := openCommands(t, s.client, s.id, "another")
	require.Zero(t, other.first.GetAppliedNumber(), "each sender counts for itself")
}

// TestFailuresBeforeABreakAreToldAgain sends commands that all fail, as many as a sender may have unanswered, and breaks the
// stream when it has read some of the answers: who knows which the others were? When it comes back, it is told.
func TestFailuresBeforeABreakAreToldAgain(t *testing.T) {
	s := serve(t, nil)
	broken := openCommands(t, s.client, s.id, "python")
	commands := make([]*pb.Command, maxCommands/16)
	for i := range commands {
		commands[i] = sendCommand(9, "0")
	}
	sent := make(chan error, 1)
	go func() {
		var err error
		for first := uint64(1); err == nil && first < maxCommands; first += uint64(len(commands)) {
			err = broken.Send(&pb.CommandsRequest{FirstNumber: first, Commands: commands})
		}
		sent <- err
	}()
	broken.await(t, maxCommands/2)
	broken.cancel()
	<-sent // with or without an error

	for _, c := range []struct{ unanswered, told uint64 }{{0, 1}, {1, 1}, {20_000, 20_000}} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		again, err := s.client.Commands(ctx, grpc.MaxCallRecvMsgSize(16<<20))
		require.NoError(t, err)
		require.NoError(t, again.Send(&pb.CommandsRequest{EndpointId: s.id, Sender: "python", FirstNumber: c.unanswered}))
		first, err := again.Recv()
		require.NoError(t, err)
		require.GreaterOrEqual(t, first.GetAppliedNumber(), uint64(maxCommands/2))
		require.Len(t, first.GetRecentFailures(), int(first.GetAppliedNumber()-c.told+1))
		for i, f := range first.GetRecentFailures() {
			require.Equal(t, c.told+uint64(i), f.GetNumber())
		}
	}
}

func TestCommandsStreamsThatMakeNoSense(t *testing.T) {
	s := serve(t, nil)
	tooMany := make([]*pb.Command, maxCommands+1)
	for i := range tooMany {
		tooMany[i] = interruptCommand()
	}
	long := string(make([]byte, 257))
	for _, c := range []struct {
		name     string
		messages []*pb.CommandsRequest
		field    string
		message  string
	}{
		{"gap", []*pb.CommandsRequest{{FirstNumber: 1, Commands: tooMany[:1]}, {FirstNumber: 3, Commands: tooMany[:1]}}, "first_number", "command 2 is next"},
		{"gap at once", []*pb.CommandsRequest{{FirstNumber: 2, Commands: tooMany[:1]}}, "first_number", "command 1 is next"},
		{"no number", []*pb.CommandsRequest{{Commands: tooMany[:1]}}, "first_number", "number 1"},
		{"too many", []*pb.CommandsRequest{{FirstNumber: 1, Commands: tooMany}}, "commands", "65536"},
		{"another endpoint", []*pb.CommandsRequest{{}, {EndpointId: "ep_x"}}, "endpoint_id", "same"},
		{"a long name", []*pb.CommandsRequest{{Sender: long}}, "sender", "256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream, err := s.client.Commands(testContext(t))
			require.NoError(t, err)
			c.messages[0].EndpointId = s.id
			for _, m := range c.messages {
				require.NoError(t, stream.Send(m))
			}
			for err == nil {
				_, err = stream.Recv()
			}
			require.Contains(t, requireInvalid(t, err, c.field), c.message)
		})
	}
}

func TestCommandsEndWithoutAWord(t *testing.T) {
	s := start(t, Options{})
	stream, err := s.client(t, gameToken).Commands(testContext(t))
	require.NoError(t, err)
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.ErrorIs(t, err, io.EOF)
}

// TestTakeover opens a sender's second stream while a flush holds up the first one.
func TestTakeover(t *testing.T) {
	s := serve(t, stuffable())
	stuffed := stuff(t, s)
	defer stuffed.release()
	older := openCommands(t, s.client, s.id, "python")
	older.send(t, 1, interruptCommand(), flushCommand(60), interruptCommand(), interruptCommand())
	s.events.await(t, pb.EventType_EVENT_TYPE_SERVER_INTERRUPT) // command 1 was applied, and the flush waits

	newer := openCommands(t, s.client, s.id, "python")
	require.Equal(t, uint64(1), newer.first.GetAppliedNumber(), "the flush was not finished, and nothing behind it was applied")
	require.Empty(t, newer.first.GetRecentFailures())
	var err error
	for err == nil {
		_, err = older.Recv()
	}
	requireFailure(t, err, codes.Aborted, "SENDER_TAKEN_OVER")
	newer.send(t, 2, sendCommand(9, "1"))
	failures := newer.await(t, 2)
	require.Len(t, failures, 1, "the newer stream goes on where the older one was")
}

func TestFlushTimesOut(t *testing.T) {
	s := serve(t, stuffable())
	stuffed := stuff(t, s)
	stream := openCommands(t, s.client, s.id, "")
	begun := time.Now()
	stream.send(t, 1, flushCommand(0.05), interruptCommand())
	failures := stream.await(t, 2)
	require.GreaterOrEqual(t, time.Since(begun), 50*time.Millisecond)
	require.Len(t, failures, 1)
	require.Equal(t, uint64(1), failures[0].GetNumber())
	require.Equal(t, codes.DeadlineExceeded, codes.Code(failures[0].GetCode()))
	stuffed.release()
	stream.send(t, 3, flushCommand(20))
	require.Empty(t, stream.await(t, 3), "now the peer reads")
}

// TestCommandsAnsweredLater sends commands whose answers nobody waits for. They come all the same: in time, by themselves, or
// with what is asked for; a failure, and the rest of a stream, at once. What was not answered before a break is known after it.
func TestCommandsAnsweredLater(t *testing.T) {
	s := serve(t, nil)
	stream := openCommands(t, s.client, s.id, "python")
	later := func(first uint64, commands ...*pb.Command) {
		t.Helper()
		require.NoError(t, stream.Send(&pb.CommandsRequest{FirstNumber: first, Commands: commands, AnswerLater: true}))
	}
	later(1, sendCommand(1, "1"))
	require.Empty(t, stream.await(t, 1))
	later(2, sendCommand(1, "2"))
	stream.send(t, 3) // asks, and has nothing to say
	require.Empty(t, stream.await(t, 2))
	later(3, sendCommand(9, "3"))
	require.Len(t, stream.await(t, 3), 1)
	later(4, sendCommand(1, "4"))
	for _, want := range []byte{1, 2, 4} {
		require.Equal(t, []byte{want}, s.peer.awaitPacket(t).Body)
	}
	stream.cancel() // the connection breaks
	stream = openCommands(t, s.client, s.id, "python")
	require.Equal(t, uint64(4), stream.first.GetAppliedNumber())
	require.Len(t, stream.first.GetRecentFailures(), 1)
	later(5, sendCommand(1, "5"))
	require.NoError(t, stream.CloseSend())
	require.Empty(t, stream.await(t, 5))
	_, err := stream.Recv()
	require.ErrorIs(t, err, io.EOF)
}

// TestAClientThatDoesNotRead sends commands that all fail and reads no answer, until the sidecar reads no more either. Then
// it reads them all.
func TestAClientThatDoesNotRead(t *testing.T) {
	s := serve(t, nil)
	stream := openCommands(t, s.client, s.id, "")
	const messages, size = 40, 1000
	body := msgpackBody("\xd9\xff" + strings.Repeat("x", 255)) // so that all of them are far more than the stream's window
	commands := make([]*pb.Command, size)
	for i := range commands {
		commands[i] = &pb.Command{Action: &pb.Command_Send{Send: echo(9, body)}}
	}
	var sent atomic.Int64
	done := make(chan error, 1)
	go func() {
		for i := range uint64(messages) {
			if err := stream.Send(&pb.CommandsRequest{FirstNumber: 1 + i*size, Commands: commands}); err != nil {
				done <- err
				return
			}
			sent.Add(1)
		}
		done <- stream.CloseSend()
	}()
	before := int64(-1)
	require.Eventually(t, func() bool {
		stands := sent.Load() == before
		before = sent.Load()
		return stands
	}, patience, 40*tick)
	require.Less(t, before, int64(messages), "the client is held up, and the sidecar's memory spared")

	next := uint64(1)
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.LessOrEqual(t, len(response.GetFailures()), maxFailures)
		for _, f := range response.GetFailures() {
			require.Equal(t, next, f.GetNumber())
			next++
		}
		require.Equal(t, next, response.GetAppliedNumber()+1, "all up to there are answered for")
	}
	require.NoError(t, <-done)
	require.Equal(t, uint64(messages*size+1), next)
}
