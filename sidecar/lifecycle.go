package sidecar

import (
	"context"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// Start starts a deferred endpoint.
func (s *service) Start(ctx context.Context, req *pb.StartRequest) (*pb.StartResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.Start(); err != nil {
		return nil, translate(err)
	}
	return &pb.StartResponse{}, nil
}

// Interrupt reports an interrupt event.
func (s *service) Interrupt(ctx context.Context, req *pb.InterruptRequest) (*pb.InterruptResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.Interrupt(); err != nil {
		return nil, translate(err)
	}
	return &pb.InterruptResponse{}, nil
}

// Stop ends an endpoint, and answers when it has ended.
func (s *service) Stop(ctx context.Context, req *pb.StopRequest) (*pb.StopResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	if err := h.Stop(); err != nil {
		return nil, translate(err)
	}
	return &pb.StopResponse{}, nil
}

// Shutdown ends an endpoint with a reason.
func (s *service) Shutdown(ctx context.Context, req *pb.ShutdownRequest) (*pb.ShutdownResponse, error) {
	h, err := s.endpoint(ctx, req.GetEndpointId())
	if err != nil {
		return nil, translate(err)
	}
	options, err := shutdownOptions(req.GetShutdown())
	if err != nil {
		return nil, translate(within("shutdown", err))
	}
	result, err := h.Shutdown(ctx, options)
	if err != nil {
		return nil, translate(within("shutdown", err))
	}
	return &pb.ShutdownResponse{Delivered: uint32(result.Delivered), Cut: uint32(result.Cut)}, nil
}
