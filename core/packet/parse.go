package packet

import (
	"fmt"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/event"
)

// ParseHello reads the body of a hello.
//
// This and the other Parse functions are for bodies that passed [Check]. Unknown keys are ignored, and the last value
// counts for a key that comes twice, as in the reference. Errors wrap [ErrMalformedBody].
func ParseHello(body []byte) (Hello, error) {
	protocol, err := protocolOf(body)
	if err != nil {
		return Hello{}, fmt.Errorf("hello: %w", err)
	}
	return Hello{Version: versionOf(body), Protocol: protocol}, nil
}

// ParseSettype reads the connection type that a client wants: "classic" if it names none.
func ParseSettype(body []byte) (string, error) {
	value, err := field(body, keyConntype)
	if err != nil {
		return "", fmt.Errorf("settype: %w", err)
	}
	if value == nil {
		return defaultConntype, nil
	}
	conntype, _, err := msgp.ReadStringBytes(value)
	if err != nil {
		return "", fmt.Errorf("settype: %w: %q is not text", ErrMalformedBody, keyConntype)
	}
	return conntype, nil
}

// ParseHandshake reads what a server announces. If the server speaks another protocol version, its registry is
// not looked at.
func ParseHandshake(body []byte) (Handshake, error) {
	protocol, err := protocolOf(body)
	if err != nil {
		return Handshake{}, fmt.Errorf("handshake: %w", err)
	}
	h := Handshake{Version: versionOf(body), Protocol: protocol}
	if protocol != ProtocolVersion {
		return h, nil
	}
	if h.Registry, err = registryOf(body); err != nil {
		return Handshake{}, fmt.Errorf("handshake: %w", err)
	}
	return h, nil
}

// ParseAccept reads whether a client accepted the handshake: whether it gives a value that is true in Python.
func ParseAccept(body []byte) (bool, error) {
	value, err := field(body, keySuccess)
	if err == nil && value == nil {
		err = fmt.Errorf("%w: no %q", ErrMalformedBody, keySuccess)
	}
	if err != nil {
		return false, fmt.Errorf("accept: %w", err)
	}
	return truthy(value), nil
}

// ParseClose reads why the peer closes the connection. A reason that is not text, or missing, is nil.
func ParseClose(body []byte) *string {
	value, err := field(body, keyReason)
	if err != nil {
		return nil
	}
	reason, _, err := msgp.ReadStringBytes(value)
	if err != nil {
		return nil
	}
	return &reason
}

// field returns the value that a map has for a key: nil if it has none, the last one if it has several.
func field(body []byte, key string) (value []byte, err error) {
	n, rest, err := msgp.ReadMapHeaderBytes(body)
	if err != nil {
		return nil, fmt.Errorf("%w: not a map", ErrMalformedBody)
	}
	for range n {
		isText := msgp.NextType(rest) == msgp.StrType
		name, behind, err := msgp.ReadMapKeyZC(rest)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformedBody, err)
		}
		if rest, err = msgp.Skip(behind); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformedBody, err)
		}
		if isText && string(name) == key {
			value = behind[:len(behind)-len(rest)]
		}
	}
	return value, nil
}

// versionOf returns the version that a hello or a handshake names, or "". Nobody compares it.
func versionOf(body []byte) string {
	value, err := field(body, keyVersion)
	if err != nil {
		return ""
	}
	version, _, err := msgp.ReadStringBytes(value)
	if err != nil {
		return ""
	}
	return version
}

// protocolOf returns the protocol version that a hello or a handshake names.
func protocolOf(body []byte) (int64, error) {
	value, err := field(body, keyProtocol)
	if err != nil {
		return 0, err
	}
	protocol, _, err := msgp.ReadInt64Bytes(value)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not an integer", ErrMalformedBody, keyProtocol)
	}
	return protocol, nil
}

// registryOf returns the registry that a handshake announces.
func registryOf(body []byte) ([]event.Registered, error) {
	value, err := field(body, keyRegistry)
	if err != nil {
		return nil, err
	}
	n, rest, err := msgp.ReadMapHeaderBytes(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not a map", ErrMalformedBody, keyRegistry)
	}
	registry := make([]event.Registered, 0, min(int(n), len(rest)/2))
	for range n {
		var r event.Registered
		if r.Name, rest, err = msgp.ReadStringBytes(rest); err != nil {
			return nil, fmt.Errorf("%w: %q has a name that is not text", ErrMalformedBody, keyRegistry)
		}
		if r.ID, rest, err = msgp.ReadUint32Bytes(rest); err != nil {
			return nil, fmt.Errorf("%w: %q has no id for %.100q", ErrMalformedBody, keyRegistry, r.Name)
		}
		registry = append(registry, r)
	}
	return slices.Clip(registry), nil
}

// truthy reports whether Python takes a value for true: anything but nil, false, zero, and what is empty.
func truthy(value []byte) bool {
	switch f := forms[value[0]]; f.kind {
	case text, blob, array, mapping:
		size := int(f.size)
		if f.wide != 0 {
			size = f.readSize(value, 0)
		}
		return size != 0
	case extension:
		return true
	default:
		return truthyScalar(value)
	}
}

// truthyScalar is truthy for nil, bools and numbers: one of the readers takes it, unless it is an integer beyond int64.
func truthyScalar(value []byte) bool {
	if msgp.IsNil(value) {
		return false
	}
	if b, _, err := msgp.ReadBoolBytes(value); err == nil {
		return b
	}
	if f, _, err := msgp.ReadFloat64Bytes(value); err == nil {
		return f != 0
	}
	i, _, err := msgp.ReadInt64Bytes(value)
	return i != 0 || err != nil
}
