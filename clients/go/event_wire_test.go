package pengbridge

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// someEvents has events that are read in place, and others.
func someEvents() []*pb.Event {
	reason := "tired"
	received := &pb.Event{
		Sequence: 1 << 40, TimeUnixNano: 1 << 60, Type: pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV, ConnectionId: 300,
		PacketId: 64, Packet: "echo", Body: &pb.Event_Msgpack{Msgpack: []byte("\x82\xa1x\x01\xa1y\xa5hello")}, Refused: true,
	}
	return []*pb.Event{
		received,
		{},
		{Type: pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND, Packet: "echo", Frame: []byte("frame"), Body: &pb.Event_Msgpack{}},
		{ConnectionIds: []uint64{1, 300}, Packet: "other", Frame: []byte("frame")},
		{Reason: &reason, Detail: "very"},
		{Address: &pb.Address{Host: "127.0.0.1", Port: 80}, Registry: []*pb.RegisteredPacket{{Name: "echo", Id: 64}}},
		{Join: true, Timeout: durationpb.New(1)},
		{Body: &pb.Event_Json{Json: "1"}},
		received,
	}
}

// FuzzReadEvents holds reading in place to what protobuf reads.
func FuzzReadEvents(f *testing.F) {
	for _, response := range []*pb.SubscribeResponse{
		{},
		{Events: someEvents()},
		{Header: &pb.SubscribeHeader{NextSequence: 1}},
		{Heartbeat: &pb.SubscribeHeartbeat{LastSequence: 1}, Events: someEvents()[:1]},
	} {
		data, err := proto.Marshal(response)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte("\x0a\x02\x18\xff"))     // a number that is cut off
	f.Add([]byte("\x0a\x02\x32\x01"))     // a name that is cut off
	f.Add([]byte("\x0a\x03\x32\x01\xff")) // one that is not UTF-8
	f.Add([]byte("\x0a\x07\x28\xff\xff\xff\xff\xff\x01"))
	var again eventBatch
	f.Fuzz(func(t *testing.T, data []byte) {
		var want pb.SubscribeResponse
		wantErr := proto.Unmarshal(data, &want)
		for _, batch := range []*eventBatch{{}, &again} {
			err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, batch)
			if wantErr != nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			got := &pb.SubscribeResponse{Header: batch.header, Events: batch.events}
			want := &pb.SubscribeResponse{Header: want.GetHeader(), Events: want.GetEvents()}
			require.True(t, proto.Equal(want, got), "%v\n%v", want, got)
		}
	})
}

// BenchmarkReadEvents: one operation is one event of a packet.
func BenchmarkReadEvents(b *testing.B) {
	response := &pb.SubscribeResponse{}
	for range 1024 {
		response.Events = append(response.Events, someEvents()[0])
	}
	data, err := proto.Marshal(response)
	require.NoError(b, err)
	message := mem.BufferSlice{mem.SliceBuffer(data)}
	var again eventBatch
	for name, read := range map[string]func() error{
		"in place":        func() error { return new(eventBatch).read(message) },
		"in place, again": func() error { return again.read(message) },
		"protobuf":        func() error { return newCodec().Unmarshal(message, &pb.SubscribeResponse{}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; n += 1024 {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
