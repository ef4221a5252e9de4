package sidecar

// How messages become bytes: everything through protobuf, except batches of events. The log holds those encoded already,
// and they go out as they are.

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
