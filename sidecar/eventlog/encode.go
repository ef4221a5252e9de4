// Encoding: one event as one element of pengbridge.v1.SubscribeResponse.events, written by hand because it is done for
// every event. The tests hold it to what the protobuf library writes, byte for byte.

package eventlog

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pengbridge/pengbridge/core/event"
)

// Field numbers of SubscribeResponse, Event, Address, RegisteredPacket and google.protobuf.Duration.
const (
	responseEvents protowire.Number = 1

	eventSequence      protowire.Number = 1
	eventTime          protowire.Number = 2
	eventType          protowire.Number = 3
	eventConnection    protowire.Number = 4
	eventPacketID      protowire.Number = 5
	eventPacket        protowire.Number = 6
	eventMsgpack       protowire.Number = 7
	eventRefused       protowire.Number = 9
	eventFrame         protowire.Number = 10
	eventConnections   protowire.Number = 11
	eventAddress       protowire.Number = 12
	eventLocalAddress  protowire.Number = 13
	eventRemoteAddress protowire.Number = 14
	eventReason        protowire.Number = 15
	eventDetail        protowire.Number = 16
	eventRegistry      protowire.Number = 17
	eventJoin          protowire.Number = 18
	eventTimeout       protowire.Number = 19

	addressHost     protowire.Number = 1
	addressPort     protowire.Number = 2
	registeredName  protowire.Number = 1
	registeredID    protowire.Number = 2
	durationSeconds protowire.Number = 1
	durationNanos   protowire.Number = 2
)

// maxHead is the most that appendHead writes: two tags of one byte and two varints.
const maxHead = 2 + 2*10

// An entry of the log is a head and a tail. The head holds the entry's tag and length and the sequence, which is known
// only when the event takes its place in the log; the tail holds everything else.

// headSize returns the length of what appendHead writes.
func headSize(sequence uint64, tail int) int {
	n := 1 + protowire.SizeVarint(sequence) + tail
	return 1 + protowire.SizeVarint(uint64(n)) + n - tail
}

// appendHead appends the head of an entry whose tail has the given length.
func appendHead(dst []byte, sequence uint64, tail int) []byte {
	dst = protowire.AppendTag(dst, responseEvents, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(1+protowire.SizeVarint(sequence)+tail))
	dst = protowire.AppendTag(dst, eventSequence, protowire.VarintType)
	return protowire.AppendVarint(dst, sequence)
}

// tailSize returns the length of what appendTail writes.
func tailSize(e *event.Event, packet string) int {
	n := sizeUint(eventType, uint64(e.Type)) +
		sizeUint(eventConnection, e.Conn) +
		sizeUint(eventPacketID, uint64(e.PacketID)) +
		sizeBytes(eventPacket, len(packet)) +
		sizeBytes(eventMsgpack, len(e.Body)) +
		sizeBool(eventRefused, e.Refused) +
		sizeBytes(eventFrame, len(e.Frame)) +
		sizeBytes(eventConnections, packedSize(e.Conns)) +
		sizeBytes(eventDetail, len(e.Detail)) +
		sizeBool(eventJoin, e.Join)
	if unixNano(e.Time) != 0 {
		n += protowire.SizeTag(eventTime) + protowire.SizeFixed64()
	}
	for _, a := range [...]struct {
		field protowire.Number
		addr  *event.Addr
	}{{eventAddress, &e.Addr}, {eventLocalAddress, &e.Local}, {eventRemoteAddress, &e.Remote}} {
		n += sizeBytes(a.field, addrSize(a.addr))
	}
	if e.Reason != nil {
		n += protowire.SizeTag(eventReason) + protowire.SizeBytes(len(*e.Reason))
	}
	for i := range e.Registry {
		n += protowire.SizeTag(eventRegistry) + protowire.SizeBytes(registeredSize(&e.Registry[i]))
	}
	return n + sizeBytes(eventTimeout, durationSize(e.Timeout))
}

// appendTail appends everything of the event but its sequence, with the given packet name. Fields that are zero are left
// out, as protobuf does.
func appendTail(dst []byte, e *event.Event, packet string) []byte {
	if nanos := unixNano(e.Time); nanos != 0 {
		dst = protowire.AppendTag(dst, eventTime, protowire.Fixed64Type)
		dst = protowire.AppendFixed64(dst, nanos)
	}
	dst = appendUint(dst, eventType, uint64(e.Type))
	dst = appendUint(dst, eventConnection, e.Conn)
	dst = appendUint(dst, eventPacketID, uint64(e.PacketID))
	dst = appendString(dst, eventPacket, packet)
	dst = appendBytes(dst, eventMsgpack, e.Body)
	dst = appendBool(dst, eventRefused, e.Refused)
	dst = appendBytes(dst, eventFrame, e.Frame)
	if len(e.Conns) > 0 {
		dst = protowire.AppendTag(dst, eventConnections, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(packedSize(e.Conns)))
		for _, conn := range e.Conns {
			dst = protowire.AppendVarint(dst, conn)
		}
	}
	dst = appendAddr(dst, eventAddress, &e.Addr)
	dst = appendAddr(dst, eventLocalAddress, &e.Local)
	dst = appendAddr(dst, eventRemoteAddress, &e.Remote)
	if e.Reason != nil {
		dst = protowire.AppendTag(dst, eventReason, protowire.BytesType)
		dst = protowire.AppendString(dst, *e.Reason)
	}
	dst = appendString(dst, eventDetail, e.Detail)
	for i := range e.Registry {
		r := &e.Registry[i]
		dst = protowire.AppendTag(dst, eventRegistry, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(registeredSize(r)))
		dst = appendString(dst, registeredName, r.Name)
		dst = appendUint(dst, registeredID, uint64(r.ID))
	}
	dst = appendBool(dst, eventJoin, e.Join)
	return appendDuration(dst, eventTimeout, e.Timeout)
}

// unixNano returns the time since 1970 in nanoseconds, and 0 for the zero time, which has no such number.
func unixNano(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano())
}

func addrSize(a *event.Addr) int {
	return sizeBytes(addressHost, len(a.Host)) + sizeUint(addressPort, uint64(a.Port))
}

func appendAddr(dst []byte, field protowire.Number, a *event.Addr) []byte {
	size := addrSize(a)
	if size == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = appendString(dst, addressHost, a.Host)
	return appendUint(dst, addressPort, uint64(a.Port))
}

func registeredSize(r *event.Registered) int {
	return sizeBytes(registeredName, len(r.Name)) + sizeUint(registeredID, uint64(r.ID))
}

// Durations are int64 seconds and int32 nanoseconds of the same sign, so a negative one takes ten bytes each.

func durationSize(d time.Duration) int {
	return sizeUint(durationSeconds, uint64(d/time.Second)) + sizeUint(durationNanos, uint64(d%time.Second))
}

func appendDuration(dst []byte, field protowire.Number, d time.Duration) []byte {
	if d == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(durationSize(d)))
	dst = appendUint(dst, durationSeconds, uint64(d/time.Second))
	return appendUint(dst, durationNanos, uint64(d%time.Second))
}

func packedSize(values []uint64) int {
	n := 0
	for _, v := range values {
		n += protowire.SizeVarint(v)
	}
	return n
}

func sizeUint(field protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeVarint(v)
}

func appendUint(dst []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}

func sizeBool(field protowire.Number, v bool) int {
	if !v {
		return 0
	}
	return protowire.SizeTag(field) + 1
}

func appendBool(dst []byte, field protowire.Number, v bool) []byte {
	if !v {
		return dst
	}
	return append(protowire.AppendTag(dst, field, protowire.VarintType), 1)
}

func sizeBytes(field protowire.Number, n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeBytes(n)
}

func appendBytes(dst []byte, field protowire.Number, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), v)
}

func appendString(dst []byte, field protowire.Number, v string) []byte {
	if v == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, field, protowire.BytesType), v)
}
