package sidecar

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
)

// Ping asks a server for its ping data. It makes no endpoint.
func (s *service) Ping(ctx context.Context, req *pb.PingRequest) (*pb.PingResponse, error) {
	result, err := s.ping(ctx, req)
	if err != nil {
		return nil, translate(err)
	}
	data, err := apiBody(result.Body, req.GetFormat())
	if err != nil {
		return nil, translate(err)
	}
	return &pb.PingResponse{
		Data:             data,
		Delay:            durationpb.New(result.Delay),
		ReceivedUnixNano: uint64(result.Received.UnixNano()),
	}, nil
}

func (s *service) ping(ctx context.Context, req *pb.PingRequest) (endpoint.PingResult, error) {
	if s.endpoints.isDraining() {
		return endpoint.PingResult{}, errDraining
	}
	if err := checkEnum("format", req.GetFormat()); err != nil {
		return endpoint.PingResult{}, err
	}
	limit, err := timeout(req.GetTimeout(), defaultConnect, maxConnect)
	if err != nil {
		return endpoint.PingResult{}, err
	}
	data, err := optionalBody("data", req.GetData())
	if err != nil {
		return endpoint.PingResult{}, err
	}
	protection, err := clientTLS(req.GetTls())
	if err != nil {
		return endpoint.PingResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return endpoint.Ping(ctx, req.GetAddress(), endpoint.PingOptions{Data: data, TLS: protection, Budget: s.endpoints.budget})
}
