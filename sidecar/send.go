package sidecar

import (
	"context"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// SendMessage sends one packet to one connection.
func (s *service) SendMessage(ctx context.Context, req *pb.SendMessageRequest) (*pb.SendMessageResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := send(h.Endpoint, req.GetMessage()); err != nil {
		return nil, translate(within("message", err))
	}
	return &pb.SendMessageResponse{}, nil
}

// Broadcast sends one packet to many connections.
func (s *service) Broadcast(ctx context.Context, req *pb.BroadcastRequest) (*pb.BroadcastResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	result, err := broadcast(h.Endpoint, req.GetMessage())
	if err != nil {
		return nil, translate(within("message", err))
	}
	return &pb.BroadcastResponse{
		Queued:               uint32(result.Queued),
		SkippedConnectionIds: result.Skipped,
	}, nil
}
