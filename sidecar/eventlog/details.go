// Encoding of the fields that only rare events have: addresses, reasons, registries, arguments.

package eventlog

import (
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pengbridge/pengbridge/core/event"
)

// Field numbers of Event, Address, RegisteredPacket and google.protobuf.Duration.
const (
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

// appendDetails appends the fields from 12 up, in order. No event of a packet has any of them.
func appendDetails(dst []byte, e *event.Event) []byte {
	if e.Addr != (event.Addr{}) {
		dst = appendAddr(dst, eventAddress, e.Addr)
	}
	if e.Local != (event.Addr{}) {
		dst = appendAddr(dst, eventLocalAddress, e.Local)
	}
	if e.Remote != (event.Addr{}) {
		dst = appendAddr(dst, eventRemoteAddress, e.Remote)
	}
	if e.Reason != nil {
		dst = protowire.AppendTag(dst, eventReason, protowire.BytesType)
		dst = protowire.AppendString(dst, readable(*e.Reason))
	}
	if e.Detail != "" {
		dst = appendText(dst, eventDetail, readable(e.Detail))
	}
	for _, r := range e.Registry {
		r.Name = readable(r.Name)
		dst = protowire.AppendTag(dst, eventRegistry, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(registeredSize(r)))
		dst = appendText(dst, registeredName, r.Name)
		dst = appendNumber(dst, registeredID, uint64(r.ID))
	}
	if e.Join {
		dst = appendNumber(dst, eventJoin, 1)
	}
	if e.Timeout != 0 {
		dst = protowire.AppendTag(dst, eventTimeout, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(durationSize(e.Timeout)))
		dst = appendNumber(dst, durationSeconds, uint64(e.Timeout/time.Second))
		dst = appendNumber(dst, durationNanos, uint64(e.Timeout%time.Second))
	}
	return dst
}

// readable replaces what is not UTF-8 in strings that peers can influence. Protobuf libraries refuse a whole message for it, so
// one such string would cut off every subscriber.
func readable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func addrSize(a event.Addr) int {
	return sizeMessage(addressHost, len(a.Host)) + sizeNumber(addressPort, uint64(a.Port))
}

func appendAddr(dst []byte, field protowire.Number, a event.Addr) []byte {
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(addrSize(a)))
	dst = appendText(dst, addressHost, a.Host)
	return appendNumber(dst, addressPort, uint64(a.Port))
}

func registeredSize(r event.Registered) int {
	return sizeMessage(registeredName, len(r.Name)) + sizeNumber(registeredID, uint64(r.ID))
}

// durationSize is the size of seconds and nanoseconds, which have the same sign; negative ones take ten bytes each.
func durationSize(d time.Duration) int {
	return sizeNumber(durationSeconds, uint64(d/time.Second)) + sizeNumber(durationNanos, uint64(d%time.Second))
}

// sizeMessage is the size of a field of n bytes, which is left out if n is 0.
func sizeMessage(field protowire.Number, n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeBytes(n)
}

func appendText(dst []byte, field protowire.Number, v string) []byte {
	if v == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, field, protowire.BytesType), v)
}

// sizeNumber is the size of a number's field, which is left out if the number is 0.
func sizeNumber(field protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeVarint(v)
}

func appendNumber(dst []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), v)
}
