package pengbridge

// Encoding of commands, as elements of CommandsRequest.commands. One kind of command comes by the thousand: MessagePack for
// one connection. Written by hand it takes a sixth of the time that protobuf takes; everything else is left to protobuf.

import (
	"math/bits"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// Tags of the fields: their numbers and wire types in one byte.
const (
	tagFirstNumber = 3<<3 | byte(protowire.VarintType) // of CommandsRequest
	tagCommands    = 4<<3 | byte(protowire.BytesType)  // of CommandsRequest
	tagSend        = 1<<3 | byte(protowire.BytesType)  // of Command
	tagConnection  = 1<<3 | byte(protowire.VarintType) // of Message, as the next three
	tagName        = 2<<3 | byte(protowire.BytesType)
	tagID          = 3<<3 | byte(protowire.VarintType)
	tagBody        = 4<<3 | byte(protowire.BytesType)
	tagMsgpack     = 1<<3 | byte(protowire.BytesType) // of PacketBody
)

// element is a command that is about to be encoded.
type element struct {
	command *pb.Command
	size    int // of the Command
	packet  packetElement
	plain   bool // packet is all there is in the command
}

// newElement measures a command.
func newElement(command *pb.Command) (e element) {
	e.command = command
	if e.packet, e.plain = plainPacket(command); e.plain {
		e.size = e.packet.measure()
	} else {
		e.size = proto.Size(command)
	}
	return e
}

// length returns how many bytes appendTo appends.
func (e *element) length() int { return sizeBytes(e.size) }

// appendTo appends the element. The error is about a string that is not UTF-8.
func (e *element) appendTo(dst []byte) ([]byte, error) {
	dst = appendVarint(append(dst, tagCommands), uint64(e.size))
	if e.plain {
		return e.packet.appendTo(dst), nil
	}
	return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(dst, e.command)
}

// packetElement is a command that sends MessagePack to one connection.
type packetElement struct {
	connection uint64
	name       string // "": id
	id         uint32
	msgpack    []byte

	body, message int // the sizes of PacketBody and Message
}

// plainPacket returns what a command sends, if that is all it does and nothing about it is unusual.
func plainPacket(command *pb.Command) (p packetElement, ok bool) {
	send, ok := command.GetAction().(*pb.Command_Send)
	if !ok {
		return p, false
	}
	message := send.Send
	body, ok := message.GetBody().GetValue().(*pb.PacketBody_Msgpack)
	if !ok {
		return p, false
	}
	p.connection, p.msgpack = message.GetConnectionId(), body.Msgpack
	switch packet := message.GetPacket().(type) {
	case *pb.Message_Name:
		p.name = packet.Name
		return p, p.name != "" && utf8.ValidString(p.name)
	case *pb.Message_Id:
		p.id = packet.Id
		return p, true
	}
	return p, false
}

// measure fills in the sizes, and returns that of the Command.
func (p *packetElement) measure() int {
	p.body = sizeBytes(len(p.msgpack))
	p.message = sizeBytes(p.body)
	if p.connection != 0 {
		p.message += 1 + sizeVarint(p.connection)
	}
	if p.name != "" {
		p.message += sizeBytes(len(p.name))
	} else {
		p.message += 1 + sizeVarint(uint64(p.id))
	}
	return sizeBytes(p.message)
}

// appendTo appends the Command.
func (p *packetElement) appendTo(dst []byte) []byte {
	dst = appendVarint(append(dst, tagSend), uint64(p.message))
	if p.connection != 0 {
		dst = appendVarint(append(dst, tagConnection), p.connection)
	}
	if p.name != "" {
		dst = append(appendVarint(append(dst, tagName), uint64(len(p.name))), p.name...)
	} else {
		dst = appendVarint(append(dst, tagID), uint64(p.id))
	}
	dst = appendVarint(append(dst, tagBody), uint64(p.body))
	return append(appendVarint(append(dst, tagMsgpack), uint64(len(p.msgpack))), p.msgpack...)
}

// sizeBytes returns the size of a field of n bytes, with its length and a tag of one byte.
func sizeBytes(n int) int { return 1 + sizeVarint(uint64(n)) + n }

// sizeVarint and appendVarint are protowire's, but the compiler inlines them, which halves the cost of a packet.

func sizeVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func appendVarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}
