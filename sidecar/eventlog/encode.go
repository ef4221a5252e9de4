// Encoding: one event as one element of pengbridge.v1.SubscribeResponse.events. It is written by hand because it is done
// for every event; the tests compare it with the protobuf library.
//
// An entry of the log is a head and a tail. The head holds the entry's tag and length, and the sequence, which is known
// only when the event takes its place in the log; the tail holds everything else, and is encoded before the log is locked.

package eventlog

import (
	"math/bits"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pengbridge/pengbridge/core/event"
)

// Tags are a field's number and its wire type. Those of fields up to 15 take one byte, the others two.
const (
	tagEvents = 1<<3 | byte(protowire.BytesType) // of SubscribeResponse; all others are of Event

	tagSequence   = 1<<3 | byte(protowire.VarintType)
	tagTime       = 2<<3 | byte(protowire.Fixed64Type)
	tagType       = 3<<3 | byte(protowire.VarintType)
	tagConnection = 4<<3 | byte(protowire.VarintType)
	tagPacketID   = 5<<3 | byte(protowire.VarintType)
	tagPacket     = 6<<3 | byte(protowire.BytesType)
	tagMsgpack    = 7<<3 | byte(protowire.BytesType)
	tagRefused    = 9<<3 | byte(protowire.VarintType)
	tagFrame      = 10<<3 | byte(protowire.BytesType)
	// connection_ids is packed.
	tagConnections = 11<<3 | byte(protowire.BytesType)
)

// maxHead is the most that appendHead writes: two tags and two numbers.
const maxHead = 2 + 2*10

// headSize returns the length of what appendHead writes.
func headSize(sequence uint64, tail int) int {
	n := 1 + sizeVarint(sequence)
	return 1 + sizeVarint(uint64(n+tail)) + n
}

// appendHead appends the head of an entry whose tail has the given length.
func appendHead(dst []byte, sequence uint64, tail int) []byte {
	dst = appendVarint(append(dst, tagEvents), uint64(1+sizeVarint(sequence)+tail))
	return appendVarint(append(dst, tagSequence), sequence)
}

// appendTail appends everything of the event but its sequence, with the given packet name. What is zero is left out, as
// protobuf does.
func appendTail(dst []byte, e *event.Event, packet string) []byte {
	if nanos := unixNano(e.Time); nanos != 0 {
		dst = protowire.AppendFixed64(append(dst, tagTime), nanos)
	}
	dst = append(dst, tagType, byte(e.Type))
	if e.Conn != 0 {
		dst = appendVarint(append(dst, tagConnection), e.Conn)
	}
	if e.PacketID != 0 {
		dst = appendVarint(append(dst, tagPacketID), uint64(e.PacketID))
	}
	if packet != "" {
		dst = append(appendVarint(append(dst, tagPacket), uint64(len(packet))), packet...)
	}
	if len(e.Body) > 0 {
		dst = append(appendVarint(append(dst, tagMsgpack), uint64(len(e.Body))), e.Body...)
	}
	if e.Refused {
		dst = append(dst, tagRefused, 1)
	}
	if len(e.Frame) > 0 {
		dst = append(appendVarint(append(dst, tagFrame), uint64(len(e.Frame))), e.Frame...)
	}
	if len(e.Conns) > 0 {
		dst = appendVarint(append(dst, tagConnections), uint64(packedSize(e.Conns)))
		for _, conn := range e.Conns {
			dst = appendVarint(dst, conn)
		}
	}
	if isPacket(e.Type) { // nothing else is set, and looking would take a sixth of the time of an event
		return dst
	}
	return appendDetails(dst, e)
}

// isPacket reports whether events of a type are about a packet that was received or sent.
func isPacket(t event.Type) bool {
	switch t {
	case event.ServerRecv, event.ServerSend, event.ClientRecv, event.ClientSend:
		return true
	default:
		return false
	}
}

// unixNano returns the time since 1970 in nanoseconds, and 0 for the zero time, which cannot be expressed so.
func unixNano(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano())
}

func packedSize(values []uint64) int {
	n := 0
	for _, v := range values {
		n += sizeVarint(v)
	}
	return n
}

// sizeVarint and appendVarint are protowire's, but the compiler inlines them, which halves the cost of an event.

func sizeVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func appendVarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}
