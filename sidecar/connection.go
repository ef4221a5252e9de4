package sidecar

import (
	"context"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// CloseConnection closes one connection with a reason.
func (s *service) CloseConnection(ctx context.Context, req *pb.CloseConnectionRequest) (*pb.CloseConnectionResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.closeConnection(req.GetClose()); err != nil {
		return nil, translate(within("close", err))
	}
	return &pb.CloseConnectionResponse{}, nil
}

// UpdateConnection changes a connection's state, mode, type or groups.
func (s *service) UpdateConnection(ctx context.Context, req *pb.UpdateConnectionRequest) (*pb.UpdateConnectionResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.updateConnection(req.GetUpdate()); err != nil {
		return nil, translate(within("update", err))
	}
	return &pb.UpdateConnectionResponse{}, nil
}
