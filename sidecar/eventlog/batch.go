// Batches, and the part of them that a filtered subscriber gets.

package eventlog

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pengbridge/pengbridge/core/event"
)

const (
	maxBatchEvents = 1024
	maxBatchBytes  = 256 << 10
)

// Batch is a stretch of the log: at most 1,024 events and 256 KiB, or a single larger event.
type Batch struct {
	// Data, followed by Body, is a whole pengbridge.v1.SubscribeResponse with the events. Both are shared and must not be
	// changed. They may be kept until Release; they keep a chunk of at most 256 KiB, or the one event, in memory.
	Data []byte
	// Body is the end of a single event that is larger than 256 KiB: its packet's body. It is empty in other batches.
	Body []byte
	// First and Last are the sequences of the first and the last event. In an empty batch, Last is the log's last one.
	First, Last uint64
	// Count is the number of events; 0 in a heartbeat.
	Count int

	chunk *chunk // of which Data is a part; nil: Data is the batch's own
}

// Release says that Data is not needed any more. It may be called once. The memory of a batch that is not released is left to
// the garbage collector.
func (b Batch) Release() {
	if b.chunk != nil {
		b.chunk.release()
	}
}

// Message returns Data and Body in one piece, which is a copy if there is a Body.
func (b Batch) Message() []byte {
	if len(b.Body) == 0 {
		return b.Data
	}
	return slices.Concat(b.Data, b.Body)
}

// typeSet is a set of event types, one bit for each. Empty means all.
type typeSet uint32

func newTypeSet(types []event.Type) typeSet {
	var s typeSet
	for _, t := range types {
		s |= 1 << t
	}
	return s
}

// filter returns a batch of the events that are in the set. It copies them, but not a Body.
func (b Batch) filter(set typeSet) Batch {
	if len(b.Body) > 0 {
		return b.filterOne(set)
	}
	var kept Batch
	sequence := b.First
	for data := b.Data; len(data) > 0; sequence++ {
		_, _, tag := protowire.ConsumeTag(data)
		content, n := protowire.ConsumeBytes(data[tag:])
		entry := data[:tag+n]
		data = data[len(entry):]
		if set&(1<<typeOf(content)) == 0 {
			continue
		}
		if kept.Count == 0 {
			kept.First = sequence
		}
		kept.Data = append(kept.Data, entry...)
		kept.Last = sequence
		kept.Count++
	}
	return kept
}

// filterOne is filter for a batch with a Body, which is of one event.
func (b Batch) filterOne(set typeSet) Batch {
	_, _, tag := protowire.ConsumeTag(b.Data)
	_, length := protowire.ConsumeVarint(b.Data[tag:])
	if set&(1<<typeOf(b.Data[tag+length:])) == 0 {
		return Batch{}
	}
	return Batch{Data: b.Data, Body: b.Body, First: b.First, Last: b.Last, Count: b.Count}
}

// typeOf finds the type of an event that this package has encoded.
func typeOf(encoded []byte) event.Type {
	for {
		field, wire, tag := protowire.ConsumeTag(encoded)
		encoded = encoded[tag:]
		if field == 3 {
			v, _ := protowire.ConsumeVarint(encoded)
			return event.Type(v)
		}
		encoded = encoded[protowire.ConsumeFieldValue(field, wire, encoded):]
	}
}
