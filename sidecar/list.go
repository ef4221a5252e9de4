package sidecar

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

const (
	defaultPage = 1_000
	maxPage     = 10_000
)

// ListEndpoints lists the endpoints of the caller's owner.
func (s *service) ListEndpoints(ctx context.Context, _ *pb.ListEndpointsRequest) (*pb.ListEndpointsResponse, error) {
	var infos []*pb.EndpointInfo
	for _, h := range s.endpoints.list(caller(ctx).Owner) {
		infos = append(infos, h.info())
	}
	return &pb.ListEndpointsResponse{Endpoints: infos}, nil
}

// ListConnections lists a page of an endpoint's connections.
func (s *service) ListConnections(ctx context.Context, req *pb.ListConnectionsRequest) (*pb.ListConnectionsResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	size := req.GetPageSize()
	switch {
	case size == 0:
		size = defaultPage
	case size > maxPage:
		return nil, translate(invalid("page_size", "must be at most %d", maxPage))
	}
	conns := h.Conns(req.GetAfterConnectionId(), int(size))
	infos := make([]*pb.ConnectionInfo, len(conns))
	for i := range conns {
		infos[i] = connectionInfo(&conns[i])
	}
	return &pb.ListConnectionsResponse{Connections: infos}, nil
}

func (h *hosted) info() *pb.EndpointInfo {
	stats, logged := h.Stats(), h.log.Stats()
	return &pb.EndpointInfo{
		EndpointId:         h.id,
		Side:               apiSide(h.Side()),
		Label:              h.label,
		Address:            address(h.Addr()),
		Phase:              apiPhase(stats.Phase, logged.Closed),
		CreatedAt:          timestamppb.New(stats.Created),
		Connections:        uint32(stats.Connections),
		ConnectionsTotal:   stats.ConnectionsTotal,
		ConnectionsRefused: sum(stats.Refused),
		PacketsReceived:    stats.PacketsReceived,
		PacketsSent:        stats.PacketsSent,
		BytesReceived:      stats.BytesReceived,
		BytesSent:          stats.BytesSent,
		FirstSequence:      logged.First,
		LastSequence:       logged.Last,
		BacklogBytes:       uint64(logged.BacklogBytes),
		BacklogEvents:      logged.BacklogEvents,
		Pauses:             logged.Pauses,
		Subscribers:        subscribers(logged.Subscribers),
		Limits:             apiLimits(stats.Limits, h.backlogBytes, h.backlogEvents),
		Registry:           registry(h.Registry()),
	}
}

func sum(counts map[endpoint.Refusal]uint64) (total uint64) {
	for _, n := range counts {
		total += n
	}
	return total
}

func apiPhase(phase endpoint.Phase, paused bool) pb.EndpointPhase {
	switch {
	case phase == endpoint.Deferred:
		return pb.EndpointPhase_ENDPOINT_PHASE_DEFERRED
	case phase == endpoint.Running && paused:
		return pb.EndpointPhase_ENDPOINT_PHASE_PAUSED
	case phase == endpoint.Running:
		return pb.EndpointPhase_ENDPOINT_PHASE_RUNNING
	case phase == endpoint.Stopping:
		return pb.EndpointPhase_ENDPOINT_PHASE_STOPPING
	default:
		return pb.EndpointPhase_ENDPOINT_PHASE_STOPPED
	}
}

func subscribers(stats []eventlog.SubscriberStats) []*pb.SubscriberInfo {
	infos := make([]*pb.SubscriberInfo, len(stats))
	for i, s := range stats {
		infos[i] = &pb.SubscriberInfo{
			Name:                 s.Name,
			Mode:                 apiMode(s.Mode),
			Connected:            s.Connected,
			AcknowledgedSequence: s.Acknowledged,
			SentSequence:         s.Sent,
		}
	}
	return infos
}

func apiMode(mode eventlog.Mode) pb.SubscriberMode {
	switch mode {
	case eventlog.Durable:
		return pb.SubscriberMode_SUBSCRIBER_MODE_DURABLE
	case eventlog.Acknowledging:
		return pb.SubscriberMode_SUBSCRIBER_MODE_ACKNOWLEDGING
	default:
		return pb.SubscriberMode_SUBSCRIBER_MODE_OBSERVER
	}
}

func connectionInfo(c *endpoint.ConnInfo) *pb.ConnectionInfo {
	return &pb.ConnectionInfo{
		ConnectionId:    c.ID,
		RemoteAddress:   address(c.Remote),
		LocalAddress:    address(c.Local),
		State:           c.View.State,
		Mode:            c.View.Mode,
		Conntype:        c.View.Conntype,
		TlsLevel:        pb.TlsLevel(c.View.TLS), // numbered alike
		Groups:          c.Groups,
		Since:           timestamppb.New(c.Since),
		PacketsReceived: c.PacketsReceived,
		PacketsSent:     c.PacketsSent,
		BytesReceived:   c.BytesReceived,
		BytesSent:       c.BytesSent,
		QueuedBytes:     uint64(c.Queued),
	}
}
