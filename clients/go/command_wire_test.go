package pengbridge

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// FuzzElement holds what is encoded by hand to what protobuf makes of it.
func FuzzElement(f *testing.F) {
	f.Add(uint64(1), "echo", uint32(0), []byte("\x01"), true)
	f.Add(uint64(0), "", uint32(64), []byte{}, true)
	f.Add(uint64(1<<40), "", uint32(1<<31), make([]byte, 300), true)
	f.Add(uint64(300), "\xff", uint32(0), []byte("\x01"), true)
	f.Add(uint64(1), "", uint32(0), []byte("\x01"), false)
	f.Fuzz(func(t *testing.T, connection uint64, name string, id uint32, body []byte, packet bool) {
		message := &pb.Message{
			ConnectionId: connection,
			Body:         &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: body}},
		}
		switch {
		case packet && id != 0:
			message.Packet = &pb.Message_Id{Id: id}
		case packet:
			message.Packet = &pb.Message_Name{Name: name}
		}
		requireAsProtobuf(t, &pb.Command{Action: &pb.Command_Send{Send: message}})
	})
}

func TestElementsOfAllKinds(t *testing.T) {
	for name, command := range map[string]*pb.Command{
		"nothing":      {},
		"not a packet": closeWith("reason"),
		"no message":   {Action: &pb.Command_Send{}},
		"no packet":    {Action: &pb.Command_Send{Send: &pb.Message{Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{}}}}},
		"no body":      {Action: &pb.Command_Send{Send: &pb.Message{Packet: &pb.Message_Id{Id: 64}}}},
		"JSON":         {Action: &pb.Command_Send{Send: &pb.Message{Body: &pb.PacketBody{Value: &pb.PacketBody_Json{Json: "1"}}}}},
		"id 0": {Action: &pb.Command_Send{Send: &pb.Message{
			Packet: &pb.Message_Id{}, Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: []byte("\x01")}},
		}}},
	} {
		t.Run(name, func(t *testing.T) { requireAsProtobuf(t, command) })
	}
}

func requireAsProtobuf(t *testing.T, command *pb.Command) {
	t.Helper()
	e := newElement(command)
	encoded, err := e.appendTo(nil)
	want := &pb.CommandsRequest{Commands: []*pb.Command{command}}
	if _, wantErr := proto.Marshal(want); wantErr != nil {
		require.Error(t, err)
		return
	}
	require.NoError(t, err)
	require.Len(t, encoded, e.length())
	var got pb.CommandsRequest
	require.NoError(t, proto.Unmarshal(encoded, &got))
	require.True(t, proto.Equal(want, &got), "%v\n%v", want, &got) // not byte by byte: protobuf puts oneofs last
}
