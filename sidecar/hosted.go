package sidecar

// One endpoint, and what the sidecar keeps for it.

import (
	"log/slog"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// hosted is an endpoint with what the sidecar keeps for it.
type hosted struct {
	*endpoint.Endpoint
	id            string
	number        uint64 // counts endpoints in the order in which they were made
	owner         string
	label         string
	log           *eventlog.Log
	pauses        *pauses
	backlogBytes  int // the log's limits
	backlogEvents int
	senders       senders
	lost          chan struct{} // gets a value when the endpoint has to end because a subscriber was lost
}

// letGo closes the log, if that was not done before, and stops counting and reporting on it.
func (h *hosted) letGo() {
	h.log.Close()
	h.log.Uncount()
	h.pauses.end()
}

// whenLost returns the function that the log calls when a durable subscriber stays away too long.
func (h *hosted) whenLost(action pb.SubscriberLostAction, logger *slog.Logger) func(string) {
	ends := action != pb.SubscriberLostAction_SUBSCRIBER_LOST_ACTION_RING
	return func(name string) {
		logger.Warn("a subscriber was away too long and is forgotten", "subscriber", name, "endpoint_ends", ends)
		if !ends {
			return
		}
		select {
		case h.lost <- struct{}{}:
		default: // another one was lost before
		}
	}
}
