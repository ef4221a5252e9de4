// Package wire turns a TCP stream into peng3dnet frames and back. It knows lengths, flags and zlib, but neither packets
// nor sockets: bytes come in through [Decoder.Feed], and go out as what [Compression.AppendPacket] appended.
//
// A frame is, in network byte order,
//
//	4 bytes  L, the number of bytes that follow
//	4 bytes  packet id
//	2 bytes  flags
//	L-6      body: one MessagePack value, as a zlib stream if [FlagCompressed] is set
package wire

import (
	"encoding/binary"
	"errors"
)

const (
	// LengthSize is the size of a frame's length prefix, which does not count itself.
	LengthSize = 4
	// HeaderSize is the size of packet id and flags, which the length counts.
	HeaderSize = 6
	// MaxBody is the largest body there can be, in bytes: 1 GiB, the most that a limit can be set to.
	MaxBody = 1 << 30
	// DefaultMaxBody is the limit of a [Decoder] that was given no other, in bytes: 16 MiB.
	DefaultMaxBody = 16 << 20
)

const (
	// FlagCompressed marks a body that is a zlib stream. Receivers understand it whatever their own [Compression].
	FlagCompressed uint16 = 1 << 0
	// FlagAES is reserved for encryption that was never specified. It is never sent, and malformed when received.
	FlagAES uint16 = 1 << 1
)

var (
	// ErrTooLarge says that a body exceeds its limit, as received or after inflating. Peers are told "packettoolarge".
	ErrTooLarge = errors.New("packet too large")
	// ErrMalformed says that bytes are not a frame, or a body not a zlib stream. Peers are told "malformedpacket".
	ErrMalformed = errors.New("malformed packet")
)

// Frame is one packet as it was received. Flags other than [FlagCompressed] and [FlagAES] mean nothing.
type Frame struct {
	ID    uint32
	Flags uint16
	Owned bool   // nobody else uses Body's memory, so it may be kept; that is so for large frames
	Body  []byte // at least one byte, still compressed if Flags say so
}

// AppendFrame appends a frame that holds body as it is. The body's length must be from 1 to [MaxBody], which
// [Compression.AppendPacket] checks.
func AppendFrame(dst []byte, id uint32, flags uint16, body []byte) []byte {
	return append(appendHeader(dst, id, flags, len(body)), body...)
}

// appendHeader appends what precedes a body of size bytes.
func appendHeader(dst []byte, id uint32, flags uint16, size int) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(HeaderSize+size))
	dst = binary.BigEndian.AppendUint32(dst, id)
	return binary.BigEndian.AppendUint16(dst, flags)
}
