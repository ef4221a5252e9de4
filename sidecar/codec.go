package sidecar

// How messages become bytes, and bytes messages: everything through protobuf, except what comes by the thousand. Batches
// of events go out as the log has encoded them; batches of commands are cut up by commandBatch.

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

// encodedBatch is a SubscribeResponse in its wire form. The bytes belong to the event log, and do not change before gRPC says
// that it has written them.
type encodedBatch struct{ eventlog.Batch }

// Put implements mem.BufferPool: gRPC gives the bytes back.
func (b encodedBatch) Put(*[]byte) { b.Release() }

// Get implements mem.BufferPool, of which gRPC needs the other half only.
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
		return mem.BufferSlice{mem.NewBuffer(&data, batch)}, nil // one of less than a kilobyte is not given back
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
