package app

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// The packets that all applications know, with their ids: registered in this order, they count up from 64.
const (
	EchoID      = 64 + iota // comes back as it is
	SinkID                  // is counted
	MarkID                  // is answered with what was counted
	FloodID                 // is answered with many packets
	BroadcastID             // is sent to all connections
	DataID                  // what floods and broadcasts consist of
)

// names are the packets' names, by their order.
var names = [...]string{"bench:echo", "bench:sink", "bench:mark", "bench:flood", "bench:broadcast", "bench:data"}

// MarkBody is the body of a mark.
func MarkBody() []byte { return msgp.AppendNil(nil) }

// markAnswer is the body of the answer.
func markAnswer(connected, received uint64) []byte {
	body := msgp.AppendMapHeader(nil, 2)
	body = msgp.AppendUint64(msgp.AppendString(body, "connected"), connected)
	return msgp.AppendUint64(msgp.AppendString(body, "received"), received)
}

// FloodBody asks for count packets with a body.
func FloodBody(count int, body []byte) []byte {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendInt(msgp.AppendString(b, "count"), count)
	return append(msgp.AppendString(b, "body"), body...)
}

// BroadcastBody asks for a packet to all connections, by one call for all of them or one call for each.
func BroadcastBody(each bool, body []byte) []byte {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendBool(msgp.AppendString(b, "each"), each)
	return append(msgp.AppendString(b, "body"), body...)
}

// readFlood reads what FloodBody wrote.
func readFlood(b []byte) (count int, body []byte, err error) {
	b, err = skipTo("count", b)
	if err == nil {
		count, b, err = msgp.ReadIntBytes(b)
	}
	return count, behindKey(b), err
}

// readBroadcast reads what BroadcastBody wrote.
func readBroadcast(b []byte) (each bool, body []byte, err error) {
	b, err = skipTo("each", b)
	if err == nil {
		each, b, err = msgp.ReadBoolBytes(b)
	}
	return each, behindKey(b), err
}

// skipTo returns what stands behind the first key of a map.
func skipTo(key string, b []byte) ([]byte, error) {
	_, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, err
	}
	found, b, err := msgp.ReadStringBytes(b)
	if err == nil && found != key {
		err = fmt.Errorf("a request begins with %q instead of %q", found, key)
	}
	return b, err
}

// behindKey returns the last value of a map, as it is, given its key and that.
func behindKey(b []byte) []byte {
	_, value, err := msgp.ReadStringBytes(b)
	if err != nil {
		return nil
	}
	return value
}
