package session

import "slices"

// What ended a connection, where that was no rule of ours. See Session.Cause.
const (
	CausePeer        = "peer"        // the peer sent closeconn, whatever its reason
	CauseStreamEnd   = "streamend"   // the peer's stream ended without a word
	CauseApplication = "application" // the application closed the connection, or ended the endpoint
)

// ownCauses are the reasons that this implementation alone decides on. An application may give them as well.
var ownCauses = []string{
	ReasonProtoVersion, ReasonRegistry, ReasonInvalidPacket, ReasonUnknownConntype, ReasonPingSide, ReasonPingPacket,
	ReasonPacketTooLarge, ReasonMalformed, ReasonHandshakeTimeout, ReasonFrameTimeout, ReasonIdleTimeout,
	ReasonSendQueueFull, ReasonTLSFailed, ReasonOverload,
}

// Causes returns every cause there is.
func Causes() []string {
	return append([]string{CausePeer, CauseStreamEnd, CauseApplication}, ownCauses...)
}

// Cause sorts a decided end for counting: one of Causes. Unlike the reason, it is never of a peer's or an application's
// making, so a peer can neither add causes nor pretend one.
func (s *Session) Cause() string {
	switch {
	case s.peerCause != "":
		return s.peerCause
	case s.reason != nil && slices.Contains(ownCauses, *s.reason):
		return *s.reason
	default:
		return CauseApplication
	}
}
