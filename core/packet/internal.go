package packet

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/event"
)

// Keys of the maps that internal packets are.
const (
	keyVersion  = "version"
	keyProtocol = "protoversion"
	keyConntype = "conntype"
	keyRegistry = "registry"
	keySuccess  = "success"
	keyReason   = "reason"
)

// defaultConntype is the connection type of a client that names none.
const defaultConntype = "classic"

// Hello is the body of [IDHello], a server's first packet.
type Hello struct {
	Version  string // of the server's software; "" if it does not say
	Protocol int64  // to be compared with ProtocolVersion
}

// Handshake is the body of [IDHandshake], by which a server announces its registry.
type Handshake struct {
	Version  string
	Protocol int64
	Registry []event.Registered // in the order of the wire; nil if Protocol is not ours
}

// AppendHello appends the body of a hello.
func AppendHello(dst []byte, version string) []byte {
	dst = msgp.AppendMapHeader(dst, 2)
	return appendVersions(dst, version)
}

// AppendSettype appends the body of the answer to a hello.
func AppendSettype(dst []byte, conntype string) []byte {
	dst = msgp.AppendMapHeader(dst, 1)
	dst = msgp.AppendString(dst, keyConntype)
	return msgp.AppendString(dst, conntype)
}

// AppendHandshake appends the body that announces a registry, in the given order.
func AppendHandshake(dst []byte, version string, registry []event.Registered) []byte {
	dst = msgp.AppendMapHeader(dst, 3)
	dst = appendVersions(dst, version)
	dst = msgp.AppendString(dst, keyRegistry)
	dst = msgp.AppendMapHeader(dst, uint32(len(registry)))
	for _, r := range registry {
		dst = msgp.AppendString(dst, r.Name)
		dst = msgp.AppendUint32(dst, r.ID)
	}
	return dst
}

// AppendAccept appends the body by which a client accepts a handshake.
func AppendAccept(dst []byte) []byte {
	dst = msgp.AppendMapHeader(dst, 1)
	dst = msgp.AppendString(dst, keySuccess)
	return msgp.AppendBool(dst, true)
}

// AppendClose appends the body of a packet that ends a connection. The reason must be UTF-8; nil is the reference's None.
func AppendClose(dst []byte, reason *string) []byte {
	dst = msgp.AppendMapHeader(dst, 1)
	dst = msgp.AppendString(dst, keyReason)
	if reason == nil {
		return msgp.AppendNil(dst)
	}
	return msgp.AppendString(dst, *reason)
}

// appendVersions appends the two entries that hello and handshake begin with.
func appendVersions(dst []byte, version string) []byte {
	dst = msgp.AppendString(dst, keyVersion)
	dst = msgp.AppendString(dst, version)
	dst = msgp.AppendString(dst, keyProtocol)
	return msgp.AppendUint64(dst, ProtocolVersion)
}
