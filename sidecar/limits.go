package sidecar

// Limits and durations, from protobuf to core and back.

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
)

// coreLimits converts the limits that core enforces, which are all but the log's backlog. Core checks ranges.
func coreLimits(l *pb.Limits) (endpoint.Limits, error) {
	limits := endpoint.Limits{
		MaxPacket:                int(l.GetMaxPacketBytes()),
		MaxHandshakePacket:       int(l.GetMaxHandshakePacketBytes()),
		MaxRegistry:              int(l.GetMaxRegistryBytes()),
		MaxConnections:           int(l.GetMaxConnections()),
		MaxConnectionsPerAddress: int(l.GetMaxConnectionsPerAddress()),
		SendQueue:                int(l.GetSendQueueBytes()),
		PacketsPerSecond:         int(l.GetPacketsPerSecond()),
		BytesPerSecond:           int64(min(l.GetBytesPerSecond(), math.MaxInt64)),
	}
	for _, d := range []struct {
		field string
		given *durationpb.Duration
		limit *time.Duration
	}{
		{"handshake_timeout", l.GetHandshakeTimeout(), &limits.HandshakeTimeout},
		{"write_stall_timeout", l.GetWriteStallTimeout(), &limits.WriteStallTimeout},
		{"frame_stall_timeout", l.GetFrameStallTimeout(), &limits.FrameStallTimeout},
		{"idle_timeout", l.GetIdleTimeout(), &limits.IdleTimeout},
	} {
		var err error
		if *d.limit, err = duration("limits."+d.field, d.given); err != nil {
			return endpoint.Limits{}, err
		}
	}
	return limits, nil
}

// apiLimits converts limits, in which a zero duration or number means that there is no limit.
func apiLimits(l endpoint.Limits, backlogBytes, backlogEvents int) *pb.Limits {
	return &pb.Limits{
		MaxPacketBytes:           uint32(l.MaxPacket),
		MaxHandshakePacketBytes:  uint32(l.MaxHandshakePacket),
		MaxRegistryBytes:         uint32(l.MaxRegistry),
		HandshakeTimeout:         durationpb.New(l.HandshakeTimeout),
		MaxConnections:           uint32(l.MaxConnections),
		MaxConnectionsPerAddress: uint32(l.MaxConnectionsPerAddress),
		SendQueueBytes:           uint32(l.SendQueue),
		WriteStallTimeout:        durationpb.New(l.WriteStallTimeout),
		FrameStallTimeout:        durationpb.New(l.FrameStallTimeout),
		IdleTimeout:              durationpb.New(l.IdleTimeout),
		BacklogBytes:             uint64(backlogBytes),
		BacklogEvents:            uint32(backlogEvents),
		PacketsPerSecond:         uint32(l.PacketsPerSecond),
		BytesPerSecond:           uint64(l.BytesPerSecond),
	}
}

// duration converts a duration that must not be negative; unset is 0.
func duration(field string, d *durationpb.Duration) (time.Duration, error) {
	if d == nil {
		return 0, nil
	}
	if err := d.CheckValid(); err != nil {
		return 0, invalid(field, "is not a valid duration: %v", err)
	}
	if d.AsDuration() < 0 {
		return 0, invalid(field, "must not be negative")
	}
	return d.AsDuration(), nil
}

// timeout converts the field "timeout": unset or zero means the default, more than the maximum is refused.
func timeout(d *durationpb.Duration, byDefault, maximum time.Duration) (time.Duration, error) {
	given, err := duration("timeout", d)
	switch {
	case err != nil:
		return 0, err
	case given == 0:
		return byDefault, nil
	case given > maximum:
		return 0, invalid("timeout", "must be at most %v", maximum)
	}
	return given, nil
}
