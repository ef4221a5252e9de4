package pengbridge

// Encoding of commands, as elements of CommandsRequest.commands. One kind of command comes by the thousand: MessagePack for
// one connection. That is encoded by hand, in a sixth of the time; everything else is left to protobuf.

import (
	"errors"
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
	tagAnswerLater = 5<<3 | byte(protowire.VarintType) // of CommandsRequest
	tagSend        = 1<<3 | byte(protowire.BytesType)  // of Command
	tagConnection  = 1<<3 | byte(protowire.VarintType) // of Message, as the next three
	tagName        = 2<<3 | byte(protowire.BytesType)
	tagID          = 3<<3 | byte(protowire.VarintType)
	tagBody        = 4<<3 | byte(protowire.BytesType)
	tagMsgpack     = 1<<3 | byte(protowire.BytesType) // of PacketBody
)

// maxRequestHead is the most that precedes the commands of a request: two tags, a number and a truth value.
const maxRequestHead = 1 + 10 + 2

var errNotUTF8 = errors.New("the name of a packet is not UTF-8")

// element is a command with the sizes that encoding it needs, in bytes.
type element struct {
	command *pb.Command // nil: packet
	packet  Packet
	size    int // of the Command
	message int // of its Message, if it is a packet
	body    int // of that one's PacketBody
}

// newElement returns the element of any command.
func newElement(command *pb.Command) element {
	if packet, ok := plainPacket(command); ok {
		return packetElement(packet)
	}
	return element{command: command, size: proto.Size(command)}
}

// packetElement returns the element of a command that sends a packet.
func packetElement(p Packet) element {
	e := element{packet: p, body: sizeBytes(len(p.Body))}
	e.message = sizeBytes(e.body)
	if p.ConnectionID != 0 {
		e.message += 1 + sizeVarint(p.ConnectionID)
	}
	if p.Name != "" {
		e.message += sizeBytes(len(p.Name))
	} else {
		e.message += 1 + sizeVarint(uint64(p.ID))
	}
	e.size = sizeBytes(e.message)
	return e
}

// length returns how many bytes appendTo appends.
func (e *element) length() int { return sizeBytes(e.size) }

// appendTo appends the element. The error is about a string that is not UTF-8.
func (e *element) appendTo(dst []byte) ([]byte, error) {
	dst = appendVarint(append(dst, tagCommands), uint64(e.size))
	if e.command != nil {
		return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(dst, e.command)
	}
	p := &e.packet
	if !utf8.ValidString(p.Name) {
		return dst, errNotUTF8
	}
	dst = appendVarint(append(dst, tagSend), uint64(e.message))
	if p.ConnectionID != 0 {
		dst = appendVarint(append(dst, tagConnection), p.ConnectionID)
	}
	if p.Name != "" {
		dst = append(appendVarint(append(dst, tagName), uint64(len(p.Name))), p.Name...)
	} else {
		dst = appendVarint(append(dst, tagID), uint64(p.ID))
	}
	dst = appendVarint(append(dst, tagBody), uint64(e.body))
	return append(appendVarint(append(dst, tagMsgpack), uint64(len(p.Body))), p.Body...), nil
}

// plainPacket returns what a command sends, if that is all it does and nothing about it is unusual.
func plainPacket(command *pb.Command) (p Packet, ok bool) {
	send, ok := command.GetAction().(*pb.Command_Send)
	if !ok {
		return p, false
	}
	message := send.Send
	body, ok := message.GetBody().GetValue().(*pb.PacketBody_Msgpack)
	if !ok {
		return p, false
	}
	p.ConnectionID, p.Body = message.GetConnectionId(), body.Msgpack
	switch packet := message.GetPacket().(type) {
	case *pb.Message_Name:
		p.Name = packet.Name
		return p, p.Name != ""
	case *pb.Message_Id:
		p.ID = packet.Id
		return p, true
	}
	return p, false
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
