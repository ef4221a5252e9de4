package sidecar

// Decoding of Commands messages. Thousands of packets come in one message, and decoding each into protobuf's structs costs
// several times what queueing it does. So a message is cut into its commands here, and the one kind of command that there
// are many of, a packet for one connection, is read in place. Everything else, and every spelling of a packet that is
// unusual, is left to protobuf.

import (
	"errors"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pengbridge/pengbridge/core/packet"
)

// Field numbers of CommandsRequest, Command, Message and PacketBody.
const (
	requestEndpointID  protowire.Number = 1
	requestSender      protowire.Number = 2
	requestFirstNumber protowire.Number = 3
	requestCommands    protowire.Number = 4

	commandSend protowire.Number = 1

	messageConnectionID protowire.Number = 1
	messageName         protowire.Number = 2
	messageID           protowire.Number = 3
	messageBody         protowire.Number = 4

	bodyMsgpack protowire.Number = 1
)

var errNotUTF8 = errors.New("a string of the message is not UTF-8")

// commandBatch is a CommandsRequest whose commands are not decoded yet. It can be unmarshalled into again and again.
type commandBatch struct {
	endpointID  string
	sender      string
	firstNumber uint64
	commands    [][]byte // each a Command in its wire form, within the message's bytes
	tooMany     bool     // more than maxCommands came, and the rest was not even looked at
}

// unmarshal cuts data, which must not change afterwards.
func (b *commandBatch) unmarshal(data []byte) error {
	*b = commandBatch{commands: b.commands[:0]}
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

// forget lets go of the message's bytes, for as long as the stream is idle.
func (b *commandBatch) forget() {
	clear(b.commands)
	b.commands = b.commands[:0]
}

// take stores a field, whose value is complete. Fields that are unknown are passed over, as protobuf does.
func (b *commandBatch) take(field protowire.Number, kind protowire.Type, value []byte) error {
	switch {
	case field == requestFirstNumber && kind == protowire.VarintType:
		b.firstNumber, _ = protowire.ConsumeVarint(value)
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

// readPacket reads a command that sends MessagePack to one connection, in the form in which everybody writes it: every field
// once at most, and nothing unknown. Other commands are not ok: protobuf knows what they are.
func readPacket(command []byte) (p packetCommand, ok bool) {
	message, ok := onlyField(command, commandSend)
	if !ok {
		return p, false
	}
	seen := 0
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 || field > messageBody || seen&(1<<field) != 0 {
			return p, false
		}
		seen |= 1 << field
		message = message[n:]
		switch kind {
		case protowire.VarintType:
			n, ok = p.takeNumber(field, message)
		case protowire.BytesType:
			n, ok = p.takeBytes(field, message)
		default:
			ok = false
		}
		if !ok {
			return p, false
		}
		message = message[n:]
	}
	named, numbered := seen&(1<<messageName) != 0, seen&(1<<messageID) != 0
	return p, p.body != nil && named != numbered
}

func (p *packetCommand) takeNumber(field protowire.Number, value []byte) (n int, ok bool) {
	number, n := protowire.ConsumeVarint(value)
	switch {
	case n < 0:
		return 0, false
	case field == messageConnectionID:
		p.conn = number
	case field == messageID && number <= math.MaxUint32:
		p.id = uint32(number)
	default:
		return 0, false
	}
	return n, true
}

func (p *packetCommand) takeBytes(field protowire.Number, value []byte) (n int, ok bool) {
	content, n := protowire.ConsumeBytes(value)
	switch {
	case n < 0:
		return 0, false
	case field == messageName && utf8.Valid(content):
		p.name = content
	case field == messageBody:
		p.body, ok = onlyField(content, bodyMsgpack)
		return n, ok
	default:
		return 0, false
	}
	return n, true
}

// onlyField returns the bytes of a message's field if there is nothing else in the message.
func onlyField(message []byte, want protowire.Number) ([]byte, bool) {
	field, kind, n := protowire.ConsumeTag(message)
	if n < 0 || field != want || kind != protowire.BytesType {
		return nil, false
	}
	content, m := protowire.ConsumeBytes(message[n:])
	return content, m >= 0 && n+m == len(message)
}
