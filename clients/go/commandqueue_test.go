package pengbridge

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// numbers returns the numbers of the commands that are sent next, which must be what protobuf makes of them.
func numbers(t *testing.T, commands encodedCommands) (first, last uint64) {
	t.Helper()
	buffers, err := newCodec().Marshal(commands)
	require.NoError(t, err)
	var request pb.CommandsRequest
	require.NoError(t, proto.Unmarshal(buffers.Materialize(), &request))
	require.Equal(t, commands.first, request.GetFirstNumber())
	require.NotEmpty(t, request.GetCommands())
	return commands.first, commands.first + uint64(len(request.GetCommands())) - 1
}

func TestCommandQueueIsBounded(t *testing.T) {
	q := newCommandQueue(nil)
	large := closeWith(string(make([]byte, maxUnansweredBytes)))
	_, err := q.push(t.Context(), nil, []*pb.Command{large})
	require.NoError(t, err, "one is always taken")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = q.push(over, nil, []*pb.Command{closeWith("")})
	require.ErrorIs(t, err, context.Canceled)

	batch, ok := q.next(t.Context())
	require.True(t, ok)
	first, last := numbers(t, batch)
	assert.EqualValues(t, 1, first)
	assert.EqualValues(t, 1, last)
	q.answered(&pb.CommandsResponse{AppliedNumber: 1})
	assert.Zero(t, q.store.bytes)
	assert.Empty(t, q.store.chunks, "what is large is let go of")

	one := []*pb.Command{closeWith("")}
	for range maxUnanswered {
		_, err = q.push(t.Context(), nil, one)
		require.NoError(t, err)
	}
	_, err = q.push(over, nil, one)
	require.ErrorIs(t, err, context.Canceled, "there are too many")
	q.answered(&pb.CommandsResponse{AppliedNumber: 2})
	_, err = q.push(over, nil, one)
	require.NoError(t, err, "there is room for one")
}

func TestCommandQueueSendsInOrder(t *testing.T) {
	q := newCommandQueue(nil)
	_, err := q.push(t.Context(), nil, []*pb.Command{
		closeWith("a"), closeWith("b"), closeWith(string(make([]byte, maxChunk))), closeWith("c"), closeWith("d"),
	})
	require.NoError(t, err)
	sends := func(wantFirst, wantLast uint64) {
		t.Helper()
		batch, ok := q.next(t.Context())
		require.True(t, ok)
		first, last := numbers(t, batch)
		require.Equal(t, []uint64{wantFirst, wantLast}, []uint64{first, last})
	}
	sends(1, 2)
	sends(3, 3)
	q.answered(&pb.CommandsResponse{AppliedNumber: 1}) // answers need not be for whole messages
	require.EqualValues(t, 2, q.rewind(), "all that is not answered is sent again")
	sends(2, 2)
	sends(3, 3)
	sends(4, 5)
	_, err = q.push(t.Context(), nil, []*pb.Command{closeWith("e")})
	require.NoError(t, err)
	sends(6, 6)
	q.answered(&pb.CommandsResponse{AppliedNumber: 1 << 60})
	require.EqualValues(t, 7, q.store.first, "a wild answer is no more than an answer to everything")
	require.Zero(t, q.store.bytes)
	q.close()
	_, ok := q.next(t.Context())
	require.False(t, ok)
}

// TestCommandQueueAsks looks at what requests say about their answers.
func TestCommandQueueAsks(t *testing.T) {
	q := newCommandQueue(nil)
	push := func(o *outcome) {
		t.Helper()
		_, err := q.push(t.Context(), o, []*pb.Command{closeWith("")})
		require.NoError(t, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	wait := func(number uint64) { require.ErrorIs(t, q.await(over, number), context.Canceled) }
	requires := func(first, commands uint64, later bool) {
		t.Helper()
		batch, ok := q.next(t.Context())
		require.True(t, ok)
		buffers, err := newCodec().Marshal(batch)
		require.NoError(t, err)
		var request pb.CommandsRequest
		require.NoError(t, proto.Unmarshal(buffers.Materialize(), &request))
		require.Equal(t, []any{first, int(commands), later}, []any{request.GetFirstNumber(), len(request.GetCommands()), request.GetAnswerLater()})
	}
	silent := func() {
		t.Helper()
		_, ok := q.next(over)
		require.False(t, ok)
	}
	push(nil)
	push(nil)
	requires(1, 2, true)
	push(&outcome{})
	requires(3, 1, false)
	wait(2)
	silent() // the sidecar was asked for everything up to 3
	push(nil)
	requires(4, 1, true)
	wait(4)
	requires(5, 0, false)
	wait(4)
	silent()
	wait(100) // which nobody has sent
	push(nil)
	requires(5, 1, true)
	require.EqualValues(t, 1, q.rewind())
	requires(1, 5, false) // a new stream: the sidecar is to be told again
	q.answered(&pb.CommandsResponse{AppliedNumber: 5})
	push(nil)
	requires(6, 1, true)
	q.answered(&pb.CommandsResponse{AppliedNumber: 6})
	require.NoError(t, q.await(over, 6), "it is answered")
	silent()
}

func TestCommandsThatCannotBeEncoded(t *testing.T) {
	q := newCommandQueue(nil)
	_, err := q.push(t.Context(), nil, []*pb.Command{closeWith("a"), closeWith("\xff"), closeWith("b")})
	require.ErrorContains(t, err, "UTF-8")
	_, err = q.pushPackets(t.Context(), []Packet{{Name: "\xff"}})
	require.ErrorIs(t, err, errNotUTF8)
	batch, ok := q.next(t.Context())
	require.True(t, ok)
	_, last := numbers(t, batch)
	assert.EqualValues(t, 1, last, "those before it go out")
}

func TestPacketsAreCommands(t *testing.T) {
	q := newCommandQueue(nil)
	last, err := q.pushPackets(t.Context(), []Packet{{ConnectionID: 7, ID: 64, Body: []byte("\x01")}, {Name: "echo", Body: []byte("\x02")}})
	require.NoError(t, err)
	require.EqualValues(t, 2, last)
	batch, _ := q.next(t.Context())
	want := &pb.CommandsRequest{Commands: []*pb.Command{
		{Action: &pb.Command_Send{Send: &pb.Message{
			ConnectionId: 7, Packet: &pb.Message_Id{Id: 64}, Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: []byte("\x01")}},
		}}},
		{Action: &pb.Command_Send{Send: &pb.Message{
			Packet: &pb.Message_Name{Name: "echo"}, Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: []byte("\x02")}},
		}}},
	}}
	var got pb.CommandsRequest
	require.NoError(t, proto.Unmarshal(batch.elements, &got))
	require.True(t, proto.Equal(want, &got), "%v", &got)
}

// BenchmarkCommandQueue takes commands in, hands them on and takes the answer; one operation is one command.
func BenchmarkCommandQueue(b *testing.B) {
	const n = 256
	body := []byte("\x82\xa1x\x01\xa1d\xc4\x2eand so on, until there are 54 bytes in all......")
	commands, packets := make([]*pb.Command, n), make([]Packet, n)
	for i := range n {
		packets[i] = Packet{ConnectionID: 1, ID: 64, Body: body}
	}
	for name, push := range map[string]func(q *commandQueue) (uint64, error){
		"packets": func(q *commandQueue) (uint64, error) { return q.pushPackets(b.Context(), packets) },
		"commands for packets": func(q *commandQueue) (uint64, error) {
			for i := range commands {
				commands[i] = &pb.Command{Action: &pb.Command_Send{Send: &pb.Message{
					ConnectionId: 1, Packet: &pb.Message_Id{Id: 64},
					Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: body}},
				}}}
			}
			return q.push(b.Context(), nil, commands)
		},
		"other commands": func(q *commandQueue) (uint64, error) {
			for i := range commands {
				commands[i] = closeWith("reason")
			}
			return q.push(b.Context(), nil, commands)
		},
	} {
		b.Run(name, func(b *testing.B) {
			q := newCommandQueue(nil)
			b.ReportAllocs()
			for done := 0; done < b.N; done += n {
				last, err := push(q)
				if err != nil {
					b.Fatal(err)
				}
				q.next(b.Context())
				q.answered(&pb.CommandsResponse{AppliedNumber: last})
			}
		})
	}
}
