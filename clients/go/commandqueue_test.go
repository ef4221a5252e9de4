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

func TestCommandsThatCannotBeEncoded(t *testing.T) {
	q := newCommandQueue(nil)
	_, err := q.push(t.Context(), nil, []*pb.Command{closeWith("a"), closeWith("\xff"), closeWith("b")})
	require.ErrorContains(t, err, "UTF-8")
	batch, ok := q.next(t.Context())
	require.True(t, ok)
	_, last := numbers(t, batch)
	assert.EqualValues(t, 1, last, "those before it go out")
}

func BenchmarkCommandQueue(b *testing.B) {
	body := []byte("\x82\xa1x\x01\xa1d\xc4\x2eand so on, until there are 54 bytes in all......")
	for name, command := range map[string]*pb.Command{
		"a packet": {Action: &pb.Command_Send{Send: &pb.Message{
			ConnectionId: 1, Packet: &pb.Message_Id{Id: 64},
			Body: &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: body}},
		}}},
		"another command": closeWith("reason"),
	} {
		b.Run(name, func(b *testing.B) {
			q := newCommandQueue(nil)
			commands := make([]*pb.Command, 256)
			for i := range commands {
				commands[i] = command
			}
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(commands) {
				last, err := q.push(b.Context(), nil, commands)
				if err != nil {
					b.Fatal(err)
				}
				q.next(b.Context())
				q.answered(&pb.CommandsResponse{AppliedNumber: last})
			}
		})
	}
}
