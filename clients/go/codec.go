package pengbridge

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that codec wraps
	"google.golang.org/grpc/mem"
)

// codec encodes and decodes messages: by protobuf, except for commands and events, which come by the thousand. It is stateless.
type codec struct {
	encoding.CodecV2
}

func newCodec() codec {
	return codec{encoding.GetCodecV2("proto")}
}

// encodedCommands is a CommandsRequest whose commands are encoded already.
type encodedCommands struct {
	first       uint64 // the number of the first one
	elements    []byte // of CommandsRequest.commands; they never change. Empty: this only asks for the answers to earlier ones
	answerLater bool   // nobody waits for the answer
}

// Marshal hands encodedCommands on without copying them.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	commands, ok := v.(encodedCommands)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	head := appendVarint(append(make([]byte, 0, maxRequestHead), tagFirstNumber), commands.first)
	if commands.answerLater {
		head = append(head, tagAnswerLater, 1)
	}
	return mem.BufferSlice{mem.SliceBuffer(head), mem.SliceBuffer(commands.elements)}, nil
}

// Unmarshal lets an eventBatch read itself.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if batch, ok := v.(*eventBatch); ok {
		return batch.read(data)
	}
	return c.CodecV2.Unmarshal(data, v)
}
