package endpoint

import (
	"errors"
	"fmt"

	"github.com/pengbridge/pengbridge/core/session"
)

// What an endpoint tells its application. Besides these: *packet.InvalidError (bad arguments), packet.ErrUnknown,
// packet.ErrExists, packet.ErrMalformedBody, wire.ErrTooLarge, fs.ErrPermission, and the errors of a context.
var (
	// ErrStopped: the endpoint has ended, or is about to.
	ErrStopped = errors.New("the endpoint is stopped: make another one")
	// ErrUnknownConn: there is no such connection, or it is closing or closed.
	ErrUnknownConn = errors.New("no such connection, or it is closed")
	// ErrNotActive: the handshake is not complete.
	ErrNotActive = session.ErrNotActive
	// ErrRefused: a packet rule does not let the packet out.
	ErrRefused = session.ErrRefused
	// ErrNotServer: only servers can do that.
	ErrNotServer = errors.New("only a server endpoint can do that")
	// ErrQueueFull: the peer did not read what was sent to it; its connection is closed with "sendqueuefull".
	ErrQueueFull = errors.New("the peer does not read: its send queue overflowed, and the connection is closed")
	// ErrLogFull: the send event could not be recorded, because the subscribers are behind.
	ErrLogFull = errors.New("the event log is full: acknowledge events, or do not record send events")
	// ErrAddressInUse: something else listens there.
	ErrAddressInUse = errors.New("the address is in use: stop what listens there, or bind port 0 for a free one")
	// ErrConnectRefused: nobody listens there, or the host is not reachable.
	ErrConnectRefused = errors.New("cannot connect")
	// ErrUnknownHost: the name of a host has no address.
	ErrUnknownHost = errors.New("unknown host")
	// ErrAddressNotHere: a server's address is not one of this machine's.
	ErrAddressNotHere = errors.New("the address is not one of this machine's: listen on one that is, or on :: or 0.0.0.0")
)

// HandshakeError says that a connection ended before it became active.
type HandshakeError struct {
	Reason *string // as in the close event
	Detail string
}

func (e *HandshakeError) Error() string {
	reason := "no reason given"
	if e.Reason != nil {
		reason = fmt.Sprintf("%q", *e.Reason)
	}
	return fmt.Sprintf("the handshake failed: closed with %s (%s)", reason, e.Detail)
}
