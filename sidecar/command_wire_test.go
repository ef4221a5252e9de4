package sidecar

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/packet"
)

// Field numbers of Command and Message.
const (
	fieldSend protowire.Number = 1

	fieldConnectionID protowire.Number = 1
	fieldName         protowire.Number = 2
	fieldID           protowire.Number = 3
	fieldBody         protowire.Number = 4
)

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	data, err := proto.Marshal(m)
	require.NoError(tb, err)
	return data
}

// plainPackets are commands as everybody writes them.
func plainPackets() []*pb.Command {
	var commands []*pb.Command
	for _, m := range []*pb.Message{
		echo(0, msgpackBody("\xc0")),
		echo(math.MaxUint64, msgpackBody(strings.Repeat("\x00", 300))),
		echo(1, msgpackBody("")),
		{ConnectionId: 5, Packet: &pb.Message_Id{Id: 64}, Body: msgpackBody("\x01")},
		{Packet: &pb.Message_Id{Id: math.MaxUint32}, Body: msgpackBody("\x01")},
		{Packet: &pb.Message_Id{}, Body: msgpackBody("\x01")},
		{Packet: &pb.Message_Name{}, Body: msgpackBody("\x01")},
	} {
		commands = append(commands, &pb.Command{Action: &pb.Command_Send{Send: m}})
	}
	return commands
}

// requireSamePacket compares what was read in place with what protobuf reads.
func requireSamePacket(t *testing.T, p packetCommand, command *pb.Command) {
	t.Helper()
	m := command.GetSend()
	require.NotNil(t, m)
	require.Equal(t, m.GetConnectionId(), p.conn)
	switch ref := m.GetPacket().(type) {
	case *pb.Message_Name:
		require.NotNil(t, p.name)
		require.Equal(t, ref.Name, string(p.name))
	case *pb.Message_Id:
		require.Nil(t, p.name)
		require.Equal(t, ref.Id, p.id)
	default:
		require.FailNow(t, "no packet")
	}
	body, ok := m.GetBody().GetValue().(*pb.PacketBody_Msgpack)
	require.True(t, ok)
	require.Equal(t, string(body.Msgpack), string(p.body))
}

func TestPlainPacketsAreReadInPlace(t *testing.T) {
	for _, command := range plainPackets() {
		encoded := marshal(t, command)
		p, ok := readPacket(encoded)
		require.True(t, ok, "%v", command)
		requireSamePacket(t, p, command)
		for n := range encoded {
			_, ok := readPacket(encoded[:n])
			require.False(t, ok, "cut off at %d: %v", n, command)
		}
		_, ok = readPacket(append(encoded, 0))
		require.False(t, ok, "something follows")
	}
}

func TestUnusualPacketsAreLeftToProtobuf(t *testing.T) {
	message := func(fields ...[]byte) []byte {
		var m []byte
		for _, f := range fields {
			m = append(m, f...)
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, fieldSend, protowire.BytesType), m)
	}
	number := func(field protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
	}
	text := func(field protowire.Number, v string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), v)
	}
	body := marshal(t, &pb.Message{Body: msgpackBody("\x01")})
	for name, command := range map[string][]byte{
		"nothing":            {},
		"another action":     marshal(t, interruptCommand()),
		"an action too many": append(marshal(t, interruptCommand()), marshal(t, plainPackets()[0])...),
		"no packet":          message(body),
		"no body":            message(text(fieldName, "echo")),
		"a JSON body":        marshal(t, sendCommand(1, "1")),
		"an empty body":      message(text(fieldName, "echo"), text(fieldBody, "")),
		"a body twice":       message(text(fieldName, "echo"), body, body),
		"name and id":        message(text(fieldName, "echo"), number(fieldID, 64), body),
		"a name twice":       message(text(fieldName, "echo"), text(fieldName, "other"), body),
		"a connection twice": message(number(fieldConnectionID, 1), number(fieldConnectionID, 2), text(fieldName, "echo"), body),
		"an id beyond 32":    message(number(fieldID, 1<<32), body),
		"an unknown field":   message(number(9, 1), text(fieldName, "echo"), body),
		"a wrong type":       message(text(fieldID, "64"), body),
		"another wrong type": message(number(fieldName, 64), body),
		"a fixed type":       message(protowire.AppendFixed32(protowire.AppendTag(nil, fieldID, protowire.Fixed32Type), 64), body),
		"no UTF-8":           message(text(fieldName, "\xff"), body),
	} {
		_, ok := readPacket(command)
		require.False(t, ok, name)
	}
}

// FuzzReadPacket holds reading in place to what protobuf reads.
func FuzzReadPacket(f *testing.F) {
	for _, command := range append(plainPackets(), sendCommand(1, "1"), interruptCommand()) {
		f.Add(marshal(f, command))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		p, ok := readPacket(encoded)
		if !ok {
			return
		}
		var command pb.Command
		require.NoError(t, proto.Unmarshal(encoded, &command))
		requireSamePacket(t, p, &command)
	})
}

// FuzzCommandBatch holds cutting up a message to what protobuf reads, except that nobody looks into the commands.
func FuzzCommandBatch(f *testing.F) {
	f.Add(marshal(f, &pb.CommandsRequest{EndpointId: "ep", Sender: "python", FirstNumber: 7, AnswerLater: true, Commands: plainPackets()}))
	f.Add(marshal(f, &pb.CommandsRequest{Commands: []*pb.Command{interruptCommand(), {}}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var batch commandBatch
		err := batch.unmarshal(data)
		var request pb.CommandsRequest
		if proto.Unmarshal(data, &request) != nil {
			return // which may be for what is inside a command
		}
		require.NoError(t, err)
		require.Equal(t, request.GetEndpointId(), batch.endpointID)
		require.Equal(t, request.GetSender(), batch.sender)
		require.Equal(t, request.GetFirstNumber(), batch.firstNumber)
		require.Equal(t, request.GetAnswerLater(), batch.answerLater)
		require.Len(t, batch.commands, len(request.GetCommands()))
		for i, encoded := range batch.commands {
			var command pb.Command
			require.NoError(t, proto.Unmarshal(encoded, &command))
			require.True(t, proto.Equal(request.GetCommands()[i], &command))
		}
	})
}

func TestCommandBatchStartsAfresh(t *testing.T) {
	var batch commandBatch
	require.NoError(t, batch.unmarshal(marshal(t, &pb.CommandsRequest{EndpointId: "ep", Sender: "x", FirstNumber: 7, AnswerLater: true, Commands: plainPackets()})))
	require.NoError(t, batch.unmarshal(nil))
	require.Empty(t, batch.endpointID)
	require.Empty(t, batch.sender)
	require.Zero(t, batch.firstNumber)
	require.False(t, batch.answerLater)
	require.Empty(t, batch.commands)
	require.Error(t, batch.unmarshal([]byte{0x0a, 1, 0xff}), "no UTF-8")
	require.Error(t, batch.unmarshal([]byte{0x0a, 5}))
}

func TestACommandThatIsNoProtobuf(t *testing.T) {
	var c commands
	var invalid *packet.InvalidError
	require.ErrorAs(t, c.apply(t.Context(), []byte{0xff}), &invalid)
	require.Equal(t, "action", invalid.Field)
}

func BenchmarkReadCommands(b *testing.B) {
	request := &pb.CommandsRequest{FirstNumber: 1}
	for range 1024 {
		request.Commands = append(request.Commands, &pb.Command{Action: &pb.Command_Send{Send: &pb.Message{
			ConnectionId: 1, Packet: &pb.Message_Id{Id: 64}, Body: msgpackBody("\x82\xa1x\x01\xa1y\xa5hello"),
		}}})
	}
	data := mem.BufferSlice{mem.SliceBuffer(marshal(b, request))}
	c := newCodec()
	b.Run("in place", func(b *testing.B) {
		b.ReportAllocs()
		var batch commandBatch
		for b.Loop() {
			if err := c.Unmarshal(data, &batch); err != nil {
				b.Fatal(err)
			}
			for _, command := range batch.commands {
				if _, ok := readPacket(command); !ok {
					b.Fatal("not in place")
				}
			}
		}
	})
	b.Run("protobuf", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := c.Unmarshal(data, &pb.CommandsRequest{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
