package pengbridge

// Decoding of events. Thousands come in one message, and most are packets that were received or sent. Those are read in
// place: their bodies stay in the message's bytes, and their structs lie side by side. All others are left to protobuf.

import (
	"math"
	"slices"
	"unicode/utf8"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// Tags of the fields of packets' events: their numbers and wire types in one byte.
const (
	tagEvents = 1<<3 | byte(protowire.BytesType) // of SubscribeResponse; all others are of Event

	tagSequence        = 1<<3 | byte(protowire.VarintType)
	tagTimeUnixNano    = 2<<3 | byte(protowire.Fixed64Type)
	tagType            = 3<<3 | byte(protowire.VarintType)
	tagEventConnection = 4<<3 | byte(protowire.VarintType)
	tagPacketID        = 5<<3 | byte(protowire.VarintType)
	tagPacket          = 6<<3 | byte(protowire.BytesType)
	tagEventMsgpack    = 7<<3 | byte(protowire.BytesType)
	tagRefused         = 9<<3 | byte(protowire.VarintType)
	tagFrame           = 10<<3 | byte(protowire.BytesType)
)

// eventBatch is a SubscribeResponse. It can be reused when what it holds is not needed any more.
type eventBatch struct {
	header *pb.SubscribeHeader // nil in most messages
	events []*pb.Event         // in structs, most of them with bodies

	memory  []byte // of the message, in which the events' bytes lie
	structs []pb.Event
	bodies  []pb.Event_Msgpack
}

// maxMemoryKept is the largest memory that is reused, in bytes: the default for the largest packet, and what surrounds it.
const maxMemoryKept = 17 << 20

// read copies a message and reads the copy.
func (b *eventBatch) read(data mem.BufferSlice) error {
	if cap(b.memory) > maxMemoryKept {
		b.memory = nil
	}
	b.memory = slices.Grow(b.memory[:0], data.Len())[:data.Len()]
	data.CopyTo(b.memory)
	n, ok := countEvents(b.memory)
	if !ok {
		var response pb.SubscribeResponse
		err := proto.Unmarshal(b.memory, &response)
		b.header, b.events = response.GetHeader(), response.GetEvents()
		return err
	}
	b.header = nil
	return b.readEvents(n)
}

// readEvents reads the message, which consists of n events.
func (b *eventBatch) readEvents(n int) error {
	clear(b.structs)
	if n > len(b.structs) {
		b.structs, b.bodies = make([]pb.Event, n), make([]pb.Event_Msgpack, n)
	}
	b.events = slices.Grow(b.events[:0], n)
	var r eventReader
	for data := b.memory; len(data) > 0; {
		content, size := protowire.ConsumeBytes(data[1:])
		data = data[1+size:]
		i := len(b.events)
		if r.event, r.body = &b.structs[i], &b.bodies[i]; !r.read(content) {
			if err := proto.Unmarshal(content, r.event); err != nil {
				return err
			}
		}
		b.events = append(b.events, r.event)
	}
	return nil
}

// countEvents returns how many events a message holds, if it holds nothing else.
func countEvents(data []byte) (n int, ok bool) {
	for ; len(data) > 0; n++ {
		if data[0] != tagEvents {
			return 0, false
		}
		_, size := protowire.ConsumeBytes(data[1:])
		if size < 0 {
			return 0, false
		}
		data = data[1+size:]
	}
	return n, true
}

// eventReader decodes one event after the other.
type eventReader struct {
	event *pb.Event         // the present one
	body  *pb.Event_Msgpack // its body, if it has one
	name  string            // the last packet's: it often comes again
}

// read fills in the event, unless it has fields that only protobuf knows, or makes no sense.
func (r *eventReader) read(data []byte) bool {
	for len(data) > 0 {
		tag := data[0]
		n, ok := 0, false
		switch protowire.Type(tag & 7) {
		case protowire.VarintType:
			n, ok = r.takeNumber(tag, data[1:])
		case protowire.BytesType:
			n, ok = r.takeBytes(tag, data[1:])
		case protowire.Fixed64Type:
			r.event.TimeUnixNano, n = protowire.ConsumeFixed64(data[1:])
			ok = n > 0 && tag == tagTimeUnixNano
		}
		if !ok {
			return false
		}
		data = data[1+n:]
	}
	return true
}

func (r *eventReader) takeNumber(tag byte, data []byte) (n int, ok bool) {
	number, n := protowire.ConsumeVarint(data)
	if n < 0 {
		return n, false
	}
	switch tag {
	case tagSequence:
		r.event.Sequence = number
	case tagType:
		r.event.Type = pb.EventType(number)
		return n, number <= math.MaxInt32
	case tagEventConnection:
		r.event.ConnectionId = number
	case tagPacketID:
		r.event.PacketId = uint32(number)
		return n, number <= math.MaxUint32
	case tagRefused:
		r.event.Refused = number != 0
	default:
		return n, false
	}
	return n, true
}

func (r *eventReader) takeBytes(tag byte, data []byte) (n int, ok bool) {
	content, n := protowire.ConsumeBytes(data)
	if n < 0 {
		return n, false
	}
	content = content[:len(content):len(content)]
	switch tag {
	case tagPacket:
		if string(content) != r.name {
			r.name = string(content)
		}
		r.event.Packet = r.name
		return n, utf8.Valid(content)
	case tagEventMsgpack:
		r.body.Msgpack = content
		r.event.Body = r.body
	case tagFrame:
		r.event.Frame = content
	default:
		return n, false
	}
	return n, true
}
