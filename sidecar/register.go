package sidecar

import (
	"context"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// RegisterPackets adds packet types to an endpoint.
func (s *service) RegisterPackets(ctx context.Context, req *pb.RegisterPacketsRequest) (*pb.RegisterPacketsResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	added, err := h.registerPackets(req.GetRegistration())
	if err != nil {
		return nil, translate(within("registration", err))
	}
	return &pb.RegisterPacketsResponse{Packets: registeredTypes(added)}, nil
}

// RegisterConntypes adds connection types to an endpoint.
func (s *service) RegisterConntypes(ctx context.Context, req *pb.RegisterConntypesRequest) (*pb.RegisterConntypesResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.registerConntypes(req.GetRegistration()); err != nil {
		return nil, translate(within("registration", err))
	}
	return &pb.RegisterConntypesResponse{}, nil
}
