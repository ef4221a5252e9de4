package session

import "slices"

// What ended a connection, other than a rule of ours. See Session.Cause.
const (
	CausePeer        = "peer"        // the peer sent closeconn, whatever its reason
	CauseStreamEnd   = "streamend"   // the peer's stream ended without a word
	CauseApplication = "application" // the application closed the connection, or ended the endpoint
)

// ownCauses are the reasons for which this implementation closes connections by itself. An application may give them, too.
var ownCauses = []string{
	ReasonProtoVersion, ReasonRegistry, ReasonInvalidPacket, ReasonUnknownConntype, ReasonPingSide, ReasonPingPacket,
	ReasonPacketTooLarge, ReasonMalformed, ReasonHandshakeTimeout, ReasonFrameTimeout, ReasonIdleTimeout,
	ReasonSendQueueFull, ReasonTLSFailed, ReasonOverload,
}

// Causes returns every cause there is.
func Causes() []string {
	return append([]string{CausePeer, CauseStreamEnd, CauseApplication}, ownCauses...)
}

// Cause returns which of Causes has ended the connection, for counting; the end must be decided. Unlike the reason it is never
// text that a peer has made up.
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
