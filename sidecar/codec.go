package sidecar

// How messages are encoded and decoded: by protobuf, except for what comes by the thousand. Batches of events go out as the log
// has encoded them; batches of commands are cut up by commandBatch.

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that codec wraps
	"google.golang.org/grpc/mem"

	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// codec is the codec of every service here. It is stateless.
type codec struct {
	encoding.CodecV2
}

func newCodec() codec {
	return codec{encoding.GetCodecV2("proto")}
}

// encodedBatch is a SubscribeResponse in its wire form. The bytes belong to the event log, and do not change until gRPC has
// written them and calls Put.
type encodedBatch struct{ eventlog.Batch }

// Put implements mem.BufferPool: gRPC gives the bytes back.
func (b encodedBatch) Put(*[]byte) { b.Release() }

// Get implements mem.BufferPool. gRPC only needs Put.
func (b encodedBatch) Get(n int) *[]byte {
	p := make([]byte, n)
	return &p
}

// Marshal hands an encodedBatch on without copying it.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if batch, ok := v.(encodedBatch); ok {
		if len(batch.Body) > 0 {
			return mem.BufferSlice{mem.SliceBuffer(batch.Data), mem.SliceBuffer(batch.Body)}, nil // left to the collector
		}
		data := batch.Data
		return mem.BufferSlice{mem.NewBuffer(&data, batch)}, nil // gRPC does not give back less than a kilobyte
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
