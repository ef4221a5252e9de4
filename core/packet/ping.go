package packet

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

const (
	keyTime    = "time"
	keyOldmsg  = "oldmsg"
	keyOwn     = "peng3dnet"
	keyRelease = "release"

	// autoTime is the value of "time" that is replaced by the present time.
	autoTime = "__AUTO__"
)

// AppendPing appends the body of a ping: the entries of data, which is a map or empty, and then "time", now in seconds since
// 1970, unless data has that key. A "time" of "__AUTO__" is replaced in its place.
//
// data must have passed [Check]. The error is an [*InvalidError] for the field "data".
func AppendPing(dst, data []byte, now float64) ([]byte, error) {
	var d dict
	if err := d.update(data); err != nil {
		return dst, err
	}
	if value, ok := d.get(keyTime); !ok || isAuto(value) {
		d.set(keyTime, msgp.AppendFloat64(nil, now))
	}
	return d.appendTo(dst), nil
}

// AppendPong appends the answer to a ping: a map with the request under "oldmsg", the entries of data, which is a map or
// empty, and the server's version under "peng3dnet". If data has one of those keys, the later value takes the place of the
// earlier one, as in a Python dict.
//
// request and data must have passed [Check]. The error is an [*InvalidError] for the field "data".
func AppendPong(dst, request, data []byte, version string) ([]byte, error) {
	var d dict
	d.set(keyOldmsg, request)
	if err := d.update(data); err != nil {
		return dst, err
	}
	d.set(keyOwn, ownVersions(version))
	return d.appendTo(dst), nil
}

// ownVersions returns the map by which a pong says what answers.
func ownVersions(version string) []byte {
	own := msgp.AppendMapHeader(nil, 3)
	own = msgp.AppendString(own, keyVersion)
	own = msgp.AppendString(own, version)
	own = msgp.AppendString(own, keyRelease)
	own = msgp.AppendString(own, version)
	own = msgp.AppendString(own, keyProtocol)
	return msgp.AppendUint64(own, ProtocolVersion)
}

// isAuto reports whether a value asks to be replaced by the time.
func isAuto(value []byte) bool {
	s, _, err := msgp.ReadStringZC(value)
	return err == nil && string(s) == autoTime
}

// dict is a MessagePack map that is built as Python builds a dict: a key that comes again gets the new value, and keeps its
// place. Its zero value is empty.
type dict struct {
	entries []entry
	places  map[key]int // into entries
}

// entry is one key and its value, as they are encoded.
type entry struct {
	key, value []byte
}

// key identifies an entry, however its key is encoded. Text and bytes are different keys.
type key struct {
	content string
	text    bool
}

// get returns the value of a text key.
func (d *dict) get(name string) ([]byte, bool) {
	i, ok := d.places[key{name, true}]
	if !ok {
		return nil, false
	}
	return d.entries[i].value, true
}

// set gives a text key a value.
func (d *dict) set(name string, value []byte) {
	d.put(key{name, true}, msgp.AppendString(nil, name), value)
}

// update adds the entries of an encoded map; data may be empty.
func (d *dict) update(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	n, rest, err := msgp.ReadMapHeaderBytes(data)
	if err != nil {
		return &InvalidError{"data", "is not a map: give one, or nothing"}
	}
	for range n {
		begin, isText := rest, msgp.NextType(rest) == msgp.StrType
		name, value, err := msgp.ReadMapKeyZC(rest)
		if err == nil {
			rest, err = msgp.Skip(value)
		}
		if err != nil {
			return &InvalidError{"data", fmt.Sprintf("is not MessagePack: %v", err)}
		}
		d.put(key{string(name), isText}, begin[:len(begin)-len(value)], value[:len(value)-len(rest)])
	}
	return nil
}

// put gives a key a value. encoded is the key as it goes out.
func (d *dict) put(k key, encoded, value []byte) {
	if i, ok := d.places[k]; ok {
		d.entries[i].value = value
		return
	}
	if d.places == nil {
		d.places = make(map[key]int)
	}
	d.places[k] = len(d.entries)
	d.entries = append(d.entries, entry{encoded, value})
}

// appendTo appends the map.
func (d *dict) appendTo(dst []byte) []byte {
	dst = msgp.AppendMapHeader(dst, uint32(len(d.entries)))
	for _, e := range d.entries {
		dst = append(dst, e.key...)
		dst = append(dst, e.value...)
	}
	return dst
}
