package sidecar

// How messages become bytes, and bytes messages: everything through protobuf, except what comes by the thousand. Batches
// of events go out as the log has encoded them; batches of commands are cut up by commandBatch.

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that codec wraps
	"google.golang.org/grpc/mem"
)

// codec is the codec of every service here. It is stateless.
type codec struct {
	encoding.CodecV2
}

func newCodec() codec {
	return codec{encoding.GetCodecV2("proto")}
}

// encodedBatch is a SubscribeResponse in its wire form. The bytes belong to the event log and never change, so gRPC may
// keep them for as long as it likes.
type encodedBatch []byte

// Marshal hands an encodedBatch on without copying it.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if batch, ok := v.(encodedBatch); ok {
		return mem.BufferSlice{mem.SliceBuffer(batch)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal leaves the inside of a commandBatch as it came.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if batch, ok := v.(*commandBatch); ok {
		return batch.read(data)
	}
	return c.CodecV2.Unmarshal(data, v)
}
