package session

import (
	"errors"
	"fmt"

	"github.com/pengbridge/pengbridge/core/packet"
)

// The reasons that this implementation gives for closing. The upper ones are the reference's (protocol, section 8).
const (
	ReasonSocketClose     = "socketclose"
	ReasonProtoVersion    = "protoversionmismatch"
	ReasonRegistry        = "packetregmismatch"
	ReasonInvalidPacket   = "smartpacketinvalid"
	ReasonUnknownConntype = "unknownconntype"
	ReasonPingComplete    = "pingcomplete"
	ReasonPingSide        = "pinginvalidside"
	ReasonPingPacket      = "invalidpingpacket"
	ReasonServerShutdown  = "servershutdown"

	ReasonPacketTooLarge   = "packettoolarge"
	ReasonMalformed        = "malformedpacket"
	ReasonHandshakeTimeout = "handshaketimeout"
	ReasonFrameTimeout     = "frametimeout"
	ReasonIdleTimeout      = "idletimeout"
	ReasonSendQueueFull    = "sendqueuefull"
	ReasonTLSFailed        = "tlsfailed"
	ReasonOverload         = "overload"
)

// Local misuse: what a session tells its application.
var (
	// ErrClosed: the connection is closing or closed.
	ErrClosed = errors.New("the connection is closed")
	// ErrNotActive: the handshake is not complete. Wait for handshakecomplete before sending.
	ErrNotActive = errors.New("the connection is not active yet: wait for its handshakecomplete event")
	// ErrRefused: a packet rule does not let the packet out in the connection's present state.
	ErrRefused = errors.New("a packet rule refuses the packet")
)

// ConntypeExistsError says that a connection type is known already.
type ConntypeExistsError struct{ Name string }

func (e *ConntypeExistsError) Error() string {
	return fmt.Sprintf("connection type %q is known already: choose another name", e.Name)
}

// Is makes the error an instance of [packet.ErrExists].
func (e *ConntypeExistsError) Is(target error) bool { return target == packet.ErrExists }

// UnknownPacketError says that a packet is not in the registry.
type UnknownPacketError struct{ Ref packet.Ref }

func (e *UnknownPacketError) Error() string {
	return fmt.Sprintf("%v is not registered: register it before the handshake, or check its name", e.Ref)
}

// Is makes the error an instance of [packet.ErrUnknown].
func (e *UnknownPacketError) Is(target error) bool { return target == packet.ErrUnknown }

// NotOnServerError says that a client knows a packet that its server does not.
type NotOnServerError struct{ Name string }

func (e *NotOnServerError) Error() string {
	return fmt.Sprintf("packet %q is not in the server's registry: register it there as well", e.Name)
}

// Is makes the error an instance of [packet.ErrUnknown].
func (e *NotOnServerError) Is(target error) bool { return target == packet.ErrUnknown }
