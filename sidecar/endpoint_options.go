package sidecar

// EndpointOptions, from protobuf to core and to the log.

import (
	"fmt"
	"math"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/wire"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// maxName is the length of the longest name of a subscriber, sender or endpoint, in bytes.
const maxName = 256

// coreOptions converts what core needs to know, with the limits that hold; the caller adds the log and TLS. Core checks most of
// it.
func coreOptions(o *pb.EndpointOptions, limits *pb.Limits) (endpoint.Options, error) {
	var opts endpoint.Options
	if len(o.GetLabel()) > maxName {
		return opts, invalid("label", "must be at most %d bytes", maxName)
	}
	var err error
	if opts.Packets, err = packetTypes(o.GetPackets()); err != nil {
		return opts, err
	}
	if opts.Conntypes, err = conntypes(o.GetConntypes()); err != nil {
		return opts, err
	}
	if o.GetCompression() != nil {
		compression := coreCompression(o.GetCompression())
		opts.Compression = &compression
	}
	if opts.Limits, err = coreLimits(limits); err != nil {
		return opts, err
	}
	if opts.Omit, err = omitted(o.GetEvents().GetOmitTypes()); err != nil {
		return opts, err
	}
	if len(o.GetVersion()) > maxName {
		return opts, invalid("version", "must be at most %d bytes", maxName)
	}
	opts.DeferredStart = o.GetDeferredStart()
	opts.Version = o.GetVersion()
	return opts, nil
}

// coreCompression converts settings whose unset fields mean the default. Core checks ranges.
func coreCompression(c *pb.Compression) wire.Compression {
	compression := wire.DefaultCompression()
	compression.Disabled = c.GetDisabled()
	if c.ThresholdBytes != nil {
		compression.Threshold = int(c.GetThresholdBytes())
	}
	if c.Level != nil {
		compression.Level = int(min(c.GetLevel(), math.MaxInt32))
	}
	return compression
}

// omitted returns a function that reports whether a type of event is left out, or nil if none is. Events about the life of the
// endpoint and of its connections cannot be left out: without them the log makes no sense to its readers.
func omitted(types []pb.EventType) (func(event.Type) bool, error) {
	if len(types) == 0 {
		return nil, nil
	}
	var omit [event.Types]bool
	for i, t := range types {
		switch t := event.Type(t); t {
		case event.ServerSend, event.ServerRecv, event.ServerInterrupt,
			event.ClientSend, event.ClientRecv, event.ClientInterrupt:
			omit[t] = true
		default:
			return nil, invalid(fmt.Sprintf("events.omit_types[%d]", i), "must be a send, recv or interrupt event")
		}
	}
	return func(t event.Type) bool { return omit[t] }, nil
}

// logOptions converts what the log needs to know, with the limits that hold; the caller adds the callbacks.
func logOptions(o *pb.EndpointOptions, limits *pb.Limits) (eventlog.Options, error) {
	events := o.GetEvents()
	if err := checkSubscriber("events.expected_subscriber", events.GetExpectedSubscriber()); err != nil {
		return eventlog.Options{}, err
	}
	if err := checkEnum("events.lost_action", events.GetLostAction()); err != nil {
		return eventlog.Options{}, err
	}
	grace, err := duration("events.subscriber_grace", events.GetSubscriberGrace())
	if err != nil {
		return eventlog.Options{}, err
	}
	if grace == 0 {
		grace = eventlog.DefaultGrace
	}
	return eventlog.Options{
		Expected:        events.GetExpectedSubscriber(),
		Grace:           grace,
		BacklogBytes:    int(min(limits.GetBacklogBytes(), math.MaxInt)),
		BacklogEvents:   int(limits.GetBacklogEvents()),
		RingBytes:       int(events.GetRingBytes()),
		OmitPacketNames: events.GetOmitPacketNames(),
	}, nil
}

func checkSubscriber(field, name string) error {
	if len(name) > maxName {
		return invalid(field, "must be at most %d bytes", maxName)
	}
	return nil
}
