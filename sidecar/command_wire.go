package sidecar

// Decoding of Commands messages. Thousands of packets come in one message, and decoding each into protobuf's structs costs
// several times as much as queueing it. So a message is cut into its commands here, and the one kind of command that comes in
// numbers, a packet for one connection, is read in place. Everything else, and every unusual spelling of a packet, is left to
// protobuf.

import (
	"errors"
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pengbridge/pengbridge/core/packet"
)

// Field numbers of CommandsRequest.
const (
	requestEndpointID  protowire.Number = 1
	requestSender      protowire.Number = 2
	requestFirstNumber protowire.Number = 3
	requestCommands    protowire.Number = 4
	requestAnswerLater protowire.Number = 5
)

// Tags of the fields of packets: their numbers and wire types in one byte.
const (
	tagSend = 1<<3 | byte(protowire.BytesType) // of Command

	tagConnectionID = 1<<3 | byte(protowire.VarintType) // of Message
	tagName         = 2<<3 | byte(protowire.BytesType)
	tagID           = 3<<3 | byte(protowire.VarintType)
	tagBody         = 4<<3 | byte(protowire.BytesType)

	tagMsgpack = 1<<3 | byte(protowire.BytesType) // of PacketBody
)

var errNotUTF8 = errors.New("a string of the message is not UTF-8")

// commandBatch is a CommandsRequest whose commands are not decoded yet. It is reused for one message after the other.
type commandBatch struct {
	endpointID  string
	sender      string
	firstNumber uint64
	answerLater bool
	commands    [][]byte // each a Command in its wire form, within memory
	tooMany     bool     // more than maxCommands came; the rest was ignored
	size        int      // of the message, in bytes

	memory *[]byte // of messages; nil: none
}

// messages is the memory of messages, which is reused: making and clearing it would take two thirds as long as reading the
// commands in it.
var messages = sync.Pool{New: func() any { return new([]byte) }}

// maxMessageKept is the largest memory that is reused, in bytes.
const maxMessageKept = 1 << 20

// read copies a message and cuts the copy.
func (b *commandBatch) read(data mem.BufferSlice) error {
	b.forget()
	b.memory = messages.Get().(*[]byte)
	n := data.Len()
	*b.memory = slices.Grow((*b.memory)[:0], n)[:n]
	data.CopyTo(*b.memory)
	return b.unmarshal(*b.memory)
}

// unmarshal cuts data into commands. It must not change before forget.
func (b *commandBatch) unmarshal(data []byte) error {
	*b = commandBatch{commands: b.commands[:0], memory: b.memory, size: len(data)}
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		value := data[n:]
		n = protowire.ConsumeFieldValue(field, kind, value)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = value[n:]
		if err := b.take(field, kind, value[:n]); err != nil {
			return err
		}
	}
	return nil
}

// unasked returns the size of the message if nobody waits for its answer, else 0.
func (b *commandBatch) unasked() int {
	if b.answerLater {
		return b.size
	}
	return 0
}

// forget releases the memory of the message, whose commands must not be used any more.
func (b *commandBatch) forget() {
	clear(b.commands)
	b.commands = b.commands[:0]
	if b.memory != nil && cap(*b.memory) <= maxMessageKept {
		messages.Put(b.memory)
	}
	b.memory = nil
}

// take stores a field, whose value is complete. Unknown fields are ignored, as by protobuf.
func (b *commandBatch) take(field protowire.Number, kind protowire.Type, value []byte) error {
	switch {
	case field == requestFirstNumber && kind == protowire.VarintType:
		b.firstNumber, _ = protowire.ConsumeVarint(value)
	case field == requestAnswerLater && kind == protowire.VarintType:
		later, _ := protowire.ConsumeVarint(value)
		b.answerLater = later != 0
	case field == requestCommands && kind == protowire.BytesType:
		if len(b.commands) == maxCommands {
			b.tooMany = true
			break
		}
		command, _ := protowire.ConsumeBytes(value)
		b.commands = append(b.commands, command)
	case (field == requestEndpointID || field == requestSender) && kind == protowire.BytesType:
		text, _ := protowire.ConsumeBytes(value)
		if !utf8.Valid(text) {
			return errNotUTF8
		}
		if field == requestSender {
			b.sender = string(text)
		} else {
			b.endpointID = string(text)
		}
	}
	return nil
}

// packetCommand is a command to send a packet, as read in place.
type packetCommand struct {
	conn uint64
	name []byte // or
	id   uint32
	body []byte
}

// ref returns the packet type that is meant.
func (p *packetCommand) ref() (packet.Ref, error) {
	if p.name != nil {
		return packetName(string(p.name))
	}
	return packetID(p.id)
}

// readPacket reads a command that sends MessagePack to one connection, in its usual spelling: every field once at most, and
// nothing unknown. Other commands are not ok; protobuf decodes them.
func readPacket(command []byte) (p packetCommand, ok bool) {
	message, ok := onlyField(command, tagSend)
	if !ok {
		return p, false
	}
	var seen [tagBody + 1]bool
	for len(message) > 0 {
		tag := message[0]
		if tag > tagBody || seen[tag] {
			return p, false
		}
		seen[tag] = true
		n, ok := p.take(tag, message[1:])
		if !ok {
			return p, false
		}
		message = message[1+n:]
	}
	return p, p.body != nil && seen[tagName] != seen[tagID]
}

// take stores a field, and returns how many bytes its value has.
func (p *packetCommand) take(tag byte, value []byte) (n int, ok bool) {
	number, n := readVarint(value) // the value, or its length
	if n < 0 {
		return 0, false
	}
	if protowire.Type(tag&7) == protowire.VarintType {
		switch {
		case tag == tagConnectionID:
			p.conn = number
		case tag == tagID && number <= math.MaxUint32:
			p.id = uint32(number)
		default:
			return 0, false
		}
		return n, true
	}
	if number > uint64(len(value)-n) {
		return 0, false
	}
	content := value[n : n+int(number)]
	switch tag {
	case tagName:
		p.name, ok = content, utf8.Valid(content)
	case tagBody:
		p.body, ok = onlyField(content, tagMsgpack)
	}
	return n + len(content), ok
}

// onlyField returns the content of a message's field if it is the only one.
func onlyField(message []byte, tag byte) ([]byte, bool) {
	if len(message) == 0 || message[0] != tag {
		return nil, false
	}
	size, n := readVarint(message[1:])
	if n < 0 || size != uint64(len(message)-1-n) {
		return nil, false
	}
	return message[1+n:], true
}

// readVarint is protowire's, but for numbers of one byte the compiler inlines it. n is negative if there is none.
func readVarint(p []byte) (number uint64, n int) {
	if len(p) > 0 && p[0] < 0x80 {
		return uint64(p[0]), 1
	}
	return protowire.ConsumeVarint(p)
}
