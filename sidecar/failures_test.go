package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// A case of actionFailures is one action that fails, with what its caller sees.
type actionFailure struct {
	name    string
	command *pb.Command
	code    codes.Code
	reason  string
	field   string // of the action, for INVALID_ARGUMENT
	message string // a part of it
}

// actionFailures are actions that fail on a server with the connection 1, which is active, and the packets "echo" and
// "refused" (66), whose rule lets it through in state 65 only.
func actionFailures() []actionFailure {
	send := func(m *pb.Message) *pb.Command { return &pb.Command{Action: &pb.Command_Send{Send: m}} }
	broadcast := func(m *pb.BroadcastMessage) *pb.Command {
		return &pb.Command{Action: &pb.Command_Broadcast{Broadcast: m}}
	}
	update := func(m *pb.ConnectionUpdate) *pb.Command { return &pb.Command{Action: &pb.Command_Update{Update: m}} }
	packets := func(p ...*pb.Packet) *pb.Command {
		return &pb.Command{Action: &pb.Command_RegisterPackets{RegisterPackets: &pb.PacketRegistration{Packets: p}}}
	}
	conntypes := func(c ...*pb.Conntype) *pb.Command {
		return &pb.Command{Action: &pb.Command_RegisterConntypes{RegisterConntypes: &pb.ConntypeRegistration{Conntypes: c}}}
	}
	shutdown := func(m *pb.EndpointShutdown) *pb.Command {
		return &pb.Command{Action: &pb.Command_Shutdown{Shutdown: m}}
	}
	ok, nothing := msgpackBody("\xc0"), &pb.PacketBody{}
	byName := func(name string) *pb.BroadcastMessage_Name { return &pb.BroadcastMessage_Name{Name: name} }
	closed, long, unheard := uint32(128), strings.Repeat("x", 1025), "app:unheard"
	const invalid = "INVALID_FIELD"
	return []actionFailure{
		{"send without a packet", send(&pb.Message{ConnectionId: 1, Body: ok}), codes.InvalidArgument, invalid, "packet", "give the packet's name or its id"},
		{"send with an empty name", send(&pb.Message{ConnectionId: 1, Packet: &pb.Message_Name{}, Body: ok}), codes.InvalidArgument, invalid, "name", "is empty"},
		{"send of an internal id", send(&pb.Message{ConnectionId: 1, Packet: &pb.Message_Id{Id: 16}, Body: ok}), codes.InvalidArgument, invalid, "id", "reserved"},
		{"send of an unknown name", send(&pb.Message{ConnectionId: 1, Packet: &pb.Message_Name{Name: "nope"}, Body: ok}), codes.NotFound, "UNKNOWN_PACKET", "", "nope"},
		{"send of an unknown id", send(&pb.Message{ConnectionId: 1, Packet: &pb.Message_Id{Id: 99}, Body: ok}), codes.NotFound, "UNKNOWN_PACKET", "", "99"},
		{"send to nobody", send(echo(7, ok)), codes.NotFound, "UNKNOWN_CONNECTION", "", "connection"},
		{"send without a body", send(echo(1, nil)), codes.InvalidArgument, invalid, "body", "missing"},
		{"send with nothing in the body", send(echo(1, nothing)), codes.InvalidArgument, invalid, "body", "missing"},
		{"send of no MessagePack", send(echo(1, msgpackBody("\xc1"))), codes.InvalidArgument, invalid, "body", "byte 0"},
		{"send of empty MessagePack", send(echo(1, msgpackBody(""))), codes.InvalidArgument, invalid, "body", "cannot be sent"},
		{"send of two values", send(echo(1, msgpackBody("\x01\x02"))), codes.InvalidArgument, invalid, "body", "byte 1"},
		{"send of a number as key (section B)", send(echo(1, msgpackBody("\x81\x01\x02"))), codes.InvalidArgument, invalid, "body", "key"},
		{"send of broken JSON", send(echo(1, jsonBody(`{"a":`))), codes.InvalidArgument, invalid, "body.json", "too early"},
		{"send of what a rule refuses (defect 28)", send(&pb.Message{ConnectionId: 1, Packet: &pb.Message_Name{Name: "refused"}, Body: ok}), codes.FailedPrecondition, "REFUSED_BY_RULE", "", "rule"},
		{"broadcast without a packet", broadcast(&pb.BroadcastMessage{Body: ok}), codes.InvalidArgument, invalid, "packet", "give the packet's name or its id"},
		{"broadcast of an internal id", broadcast(&pb.BroadcastMessage{Packet: &pb.BroadcastMessage_Id{Id: 1}, Body: ok}), codes.InvalidArgument, invalid, "id", "reserved"},
		{"broadcast of an unknown name", broadcast(&pb.BroadcastMessage{Packet: byName("nope"), Body: ok}), codes.NotFound, "UNKNOWN_PACKET", "", "nope"},
		{"broadcast without a body", broadcast(&pb.BroadcastMessage{Packet: byName("echo")}), codes.InvalidArgument, invalid, "body", "missing"},
		{"broadcast to a list and a group", broadcast(&pb.BroadcastMessage{Packet: byName("echo"), Body: ok, ConnectionIds: []uint64{1}, Group: "g"}), codes.InvalidArgument, invalid, "group", "connection_ids"},
		{"broadcast of no MessagePack", broadcast(&pb.BroadcastMessage{Packet: byName("echo"), Body: msgpackBody("\xc1")}), codes.InvalidArgument, invalid, "body", "cannot be sent"},
		{"close of nobody", &pb.Command{Action: &pb.Command_Close{Close: &pb.ConnectionClose{ConnectionId: 7}}}, codes.NotFound, "UNKNOWN_CONNECTION", "", "connection"},
		{"close with a long reason", &pb.Command{Action: &pb.Command_Close{Close: &pb.ConnectionClose{ConnectionId: 1, Reason: &long}}}, codes.InvalidArgument, invalid, "reason", "1024"},
		{"update of nobody", update(&pb.ConnectionUpdate{ConnectionId: 7}), codes.NotFound, "UNKNOWN_CONNECTION", "", "connection"},
		{"update to closed", update(&pb.ConnectionUpdate{ConnectionId: 1, State: &closed}), codes.InvalidArgument, invalid, "state", "close"},
		{"update to an unknown type", update(&pb.ConnectionUpdate{ConnectionId: 1, Conntype: &unheard}), codes.InvalidArgument, invalid, "conntype", "unheard"},
		{"update with an empty group", update(&pb.ConnectionUpdate{ConnectionId: 1, JoinGroups: []string{""}}), codes.InvalidArgument, invalid, "join_groups", "256"},
		{"registration of a known name", packets(&pb.Packet{Name: "new"}, &pb.Packet{Name: "echo"}), codes.AlreadyExists, "ALREADY_REGISTERED", "", "echo"},
		{"registration without a name", packets(&pb.Packet{Name: "new"}, &pb.Packet{}), codes.InvalidArgument, invalid, "packets[1].name", "empty"},
		{"registration with a bad rule", packets(&pb.Packet{Name: "new", Rule: &pb.PacketRule{Action: 9}}), codes.InvalidArgument, invalid, "packets[0].rule.action", "9"},
		{"registration of a built-in conntype", conntypes(&pb.Conntype{Name: "ping"}), codes.AlreadyExists, "ALREADY_REGISTERED", "", "ping"},
		{"registration of a conntype with a bad handshake", conntypes(&pb.Conntype{Name: "a", Handshake: 3}), codes.InvalidArgument, invalid, "conntypes[0].handshake", "3"},
		{"acknowledgement of a stranger", &pb.Command{Action: &pb.Command_Acknowledge{Acknowledge: &pb.Acknowledgement{Subscriber: "who", Sequence: 1}}}, codes.NotFound, "UNKNOWN_SUBSCRIBER", "", "subscribe"},
		{"shutdown with a long reason", shutdown(&pb.EndpointShutdown{Reason: &long}), codes.InvalidArgument, invalid, "reason", "1024"},
		{"shutdown with a long timeout", shutdown(&pb.EndpointShutdown{Timeout: seconds(61)}), codes.InvalidArgument, invalid, "timeout", "1m0s"},
		{"shutdown with a negative timeout", shutdown(&pb.EndpointShutdown{Timeout: seconds(-1)}), codes.InvalidArgument, invalid, "timeout", "negative"},
	}
}

// streamFailures are those that only the Commands stream can bring about.
func streamFailures() []actionFailure {
	level := uint32(10)
	return []actionFailure{
		{"no action", &pb.Command{}, codes.InvalidArgument, "INVALID_FIELD", "action", "missing"},
		{"compression beyond level 9", &pb.Command{Action: &pb.Command_SetCompression{SetCompression: &pb.Compression{Level: &level}}}, codes.InvalidArgument, "INVALID_FIELD", "compression.level", "is 10"},
		{"flush for too long", &pb.Command{Action: &pb.Command_Flush{Flush: &pb.Flush{Timeout: seconds(61)}}}, codes.InvalidArgument, "INVALID_FIELD", "timeout", "1m0s"},
	}
}

// bindForFailures makes the server that actionFailures talk of.
func bindForFailures(t *testing.T, client pb.SidecarServiceClient) *pb.BindResponse {
	t.Helper()
	bound := bind(t, client, &pb.EndpointOptions{})
	state := uint32(65)
	_, err := client.RegisterPackets(testContext(t), &pb.RegisterPacketsRequest{
		EndpointId: bound.GetEndpointId(),
		Registration: &pb.PacketRegistration{Packets: []*pb.Packet{
			{Name: "refused", Rule: &pb.PacketRule{State: &state}},
		}},
	})
	require.NoError(t, err)
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	join(t, bound, "refused")
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	return bound
}

// unary makes the unary call that does the same as a command, and says under which field its message is.
func unary(ctx context.Context, client pb.SidecarServiceClient, id string, command *pb.Command) (field string, err error) {
	switch a := command.GetAction().(type) {
	case *pb.Command_Send:
		_, err = client.SendMessage(ctx, &pb.SendMessageRequest{EndpointId: id, Message: a.Send})
		return "message", err
	case *pb.Command_Broadcast:
		_, err = client.Broadcast(ctx, &pb.BroadcastRequest{EndpointId: id, Message: a.Broadcast})
		return "message", err
	case *pb.Command_Close:
		_, err = client.CloseConnection(ctx, &pb.CloseConnectionRequest{EndpointId: id, Close: a.Close})
		return "close", err
	case *pb.Command_Update:
		_, err = client.UpdateConnection(ctx, &pb.UpdateConnectionRequest{EndpointId: id, Update: a.Update})
		return "update", err
	case *pb.Command_RegisterPackets:
		_, err = client.RegisterPackets(ctx, &pb.RegisterPacketsRequest{EndpointId: id, Registration: a.RegisterPackets})
		return "registration", err
	case *pb.Command_RegisterConntypes:
		_, err = client.RegisterConntypes(ctx, &pb.RegisterConntypesRequest{EndpointId: id, Registration: a.RegisterConntypes})
		return "registration", err
	case *pb.Command_Acknowledge:
		_, err = client.Acknowledge(ctx, &pb.AcknowledgeRequest{EndpointId: id, Acknowledgement: a.Acknowledge})
		return "", err
	case *pb.Command_Shutdown:
		_, err = client.Shutdown(ctx, &pb.ShutdownRequest{EndpointId: id, Shutdown: a.Shutdown})
		return "shutdown", err
	case *pb.Command_Interrupt:
		_, err = client.Interrupt(ctx, &pb.InterruptRequest{EndpointId: id})
		return "", err
	}
	return "", fmt.Errorf("%T has no unary call", command.GetAction())
}

func TestActionsThatFailAsUnaryCalls(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bindForFailures(t, client)
	for _, c := range actionFailures() {
		t.Run(c.name, func(t *testing.T) {
			outer, err := unary(testContext(t), client, bound.GetEndpointId(), c.command)
			if c.field == "" {
				require.Contains(t, requireFailure(t, err, c.code, c.reason), c.message)
				return
			}
			require.Contains(t, requireInvalid(t, err, outer+"."+c.field), c.message)
		})
	}
	require.Equal(t, uint32(1), onlyEndpoint(t, client).GetConnections(), "none of them did any harm")
}

// TestActionsThatFailAsCommands expects the same failures of the same actions, each under its number.
func TestActionsThatFailAsCommands(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bindForFailures(t, client)
	cases := append(actionFailures(), streamFailures()...)
	var batch []*pb.Command
	for _, c := range cases {
		interrupt := &pb.Command{Action: &pb.Command_Interrupt{Interrupt: &pb.EndpointInterrupt{}}} // one that works
		batch = append(batch, interrupt, c.command)
	}
	stream := openCommands(t, client, bound.GetEndpointId(), "")
	stream.send(t, 1, batch...)
	failures := stream.await(t, uint64(len(batch)))
	require.Len(t, failures, len(cases))
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := failures[i]
			require.Equal(t, uint64(2*i+2), f.GetNumber())
			require.Equal(t, c.code, codes.Code(f.GetCode()))
			require.Equal(t, c.reason, f.GetReason())
			require.Contains(t, f.GetMessage(), c.message)
			require.Contains(t, f.GetMessage(), c.field)
		})
	}
	stream.finish(t)
	require.Equal(t, uint32(1), onlyEndpoint(t, client).GetConnections(), "none of them did any harm")
}

// TestAStoppedEndpointRefuses holds the log of a stopped endpoint open, so that it is still known.
func TestAStoppedEndpointRefuses(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Events: &pb.EventOptions{ExpectedSubscriber: "late"}})
	id := bound.GetEndpointId()
	for range 2 { // the second time it does nothing
		_, err := client.Stop(testContext(t), &pb.StopRequest{EndpointId: id})
		require.NoError(t, err)
	}
	_, err := client.Shutdown(testContext(t), &pb.ShutdownRequest{EndpointId: id})
	require.NoError(t, err, "nor does a shutdown")
	require.Equal(t, pb.EndpointPhase_ENDPOINT_PHASE_STOPPED, onlyEndpoint(t, client).GetPhase())

	_, err = client.Start(testContext(t), &pb.StartRequest{EndpointId: id})
	requireFailure(t, err, codes.FailedPrecondition, "ENDPOINT_STOPPED")
	body := msgpackBody("\xc0")
	for _, command := range []*pb.Command{
		{Action: &pb.Command_Send{Send: echo(1, body)}},
		{Action: &pb.Command_Broadcast{Broadcast: &pb.BroadcastMessage{Packet: &pb.BroadcastMessage_Name{Name: "echo"}, Body: body}}},
		{Action: &pb.Command_Close{Close: &pb.ConnectionClose{ConnectionId: 1}}},
		{Action: &pb.Command_Update{Update: &pb.ConnectionUpdate{ConnectionId: 1}}},
		{Action: &pb.Command_RegisterPackets{RegisterPackets: &pb.PacketRegistration{Packets: []*pb.Packet{{Name: "new"}}}}},
		{Action: &pb.Command_RegisterConntypes{RegisterConntypes: &pb.ConntypeRegistration{Conntypes: []*pb.Conntype{{Name: "new"}}}}},
		{Action: &pb.Command_Interrupt{}},
	} {
		_, err := unary(testContext(t), client, id, command)
		message := requireFailure(t, err, codes.FailedPrecondition, "ENDPOINT_STOPPED")
		require.Contains(t, message, "stopped")
	}
	log := subscribe(t, client, &pb.SubscribeRequest{EndpointId: id, Subscriber: "late", Mode: pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE})
	require.NotEmpty(t, rest(t, log), "reading the log is what remains")
	require.Eventually(t, func() bool { // then it is forgotten
		listed, err := client.ListEndpoints(testContext(t), &pb.ListEndpointsRequest{})
		return err == nil && len(listed.GetEndpoints()) == 0
	}, patience, tick)
}

func TestServersCannotBeAskedOfClients(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	connected, err := client.Connect(testContext(t), &pb.ConnectRequest{Address: "127.0.0.1:" + portOf(bound), Wait: pb.ConnectWait_CONNECT_WAIT_TCP})
	require.NoError(t, err)
	_, err = client.Broadcast(testContext(t), &pb.BroadcastRequest{
		EndpointId: connected.GetEndpointId(),
		Message:    &pb.BroadcastMessage{Packet: &pb.BroadcastMessage_Id{Id: 64}, Body: msgpackBody("\xc0")},
	})
	requireFailure(t, err, codes.FailedPrecondition, "NOT_A_SERVER")
}

func TestSendBeforeTheHandshake(t *testing.T) { // defect 35
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, nil)
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	silent, err := net.Dial("tcp", "127.0.0.1:"+portOf(bound))
	require.NoError(t, err)
	defer func() { require.NoError(t, silent.Close()) }()
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_ACCEPT)
	_, err = client.SendMessage(testContext(t), &pb.SendMessageRequest{EndpointId: bound.GetEndpointId(), Message: echo(1, msgpackBody("\xc0"))})
	message := requireFailure(t, err, codes.FailedPrecondition, "CONNECTION_NOT_ACTIVE")
	require.Contains(t, message, "handshakecomplete")
}

func TestSendOfTooMuch(t *testing.T) {
	s := start(t, Options{})
	client := s.client(t, gameToken)
	bound := bind(t, client, &pb.EndpointOptions{Limits: &pb.Limits{MaxPacketBytes: 1000}})
	events := subscribe(t, client, &pb.SubscribeRequest{EndpointId: bound.GetEndpointId()})
	join(t, bound)
	events.await(t, pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE)
	_, err := client.SendMessage(testContext(t), &pb.SendMessageRequest{
		EndpointId: bound.GetEndpointId(), Message: echo(1, jsonBody(`"`+strings.Repeat("x", 1000)+`"`)),
	})
	require.Contains(t, requireInvalid(t, err, "message.body"), "1000")
}

// TestTranslate holds what is hard to bring about over the wire.
func TestTranslate(t *testing.T) {
	reason := "packetregmismatch"
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{endpoint.ErrQueueFull, codes.ResourceExhausted, "SEND_QUEUE_FULL"},
		{endpoint.ErrLogFull, codes.ResourceExhausted, "EVENT_LOG_FULL"},
		{fmt.Errorf("here: %w", fs.ErrPermission), codes.PermissionDenied, "NOT_PERMITTED"},
		{context.Canceled, codes.Canceled, "CANCELED"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, "TIMED_OUT"},
		{eventlog.ErrTakenOver, codes.Aborted, "SUBSCRIBER_TAKEN_OVER"},
		{eventlog.ErrResumed, codes.Unavailable, "SUBSCRIPTION_RESUMED"},
		{&endpoint.HandshakeError{Reason: &reason}, codes.FailedPrecondition, "HANDSHAKE_FAILED"},
		{&eventlog.GoneError{Sequence: 3, Oldest: 9}, codes.OutOfRange, "SEQUENCE_GONE"},
		{&eventlog.RangeError{Sequence: 30, Oldest: 9, Limit: 20}, codes.OutOfRange, "SEQUENCE_NOT_REACHED"},
		{status.Error(codes.Unavailable, "gone"), codes.Unavailable, "STREAM_BROKEN"},
		{errDraining, codes.Unavailable, "DRAINING"},
		{errors.New("what"), codes.Internal, "INTERNAL"},
		{invalid("a", "is wrong"), codes.InvalidArgument, "INVALID_FIELD"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			for _, err := range []error{c.err, fmt.Errorf("wrapped: %w", c.err), translate(c.err)} {
				requireFailure(t, translate(err), c.code, c.reason)
			}
			f := translate(c.err).commandFailure(7)
			require.Equal(t, uint32(c.code), f.GetCode())
			require.Equal(t, c.reason, f.GetReason())
			require.Equal(t, uint64(7), f.GetNumber())
			require.Equal(t, translate(c.err).Error(), f.GetMessage())
		})
	}
	require.NoError(t, translated(nil))
	require.Equal(t, "9", infoOf(translate(&eventlog.GoneError{Sequence: 3, Oldest: 9}).GRPCStatus()).GetMetadata()["oldest"])
	require.Equal(t, "packetregmismatch", infoOf(translate(&endpoint.HandshakeError{Reason: &reason}).GRPCStatus()).GetMetadata()["close_reason"])
	require.Equal(t, &packet.InvalidError{Field: "a.b", Problem: "is wrong"}, within("a", invalid("b", "is %s", "wrong")))
}
