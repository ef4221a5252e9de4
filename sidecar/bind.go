package sidecar

import (
	"context"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/session"
)

// Bind makes a server endpoint.
func (s *service) Bind(ctx context.Context, req *pb.BindRequest) (*pb.BindResponse, error) {
	h, err := s.bind(ctx, req)
	if err != nil {
		return nil, translate(err)
	}
	return &pb.BindResponse{
		EndpointId: h.id,
		Address:    address(h.Addr()),
		Registry:   registry(h.Registry()),
	}, nil
}

func (s *service) bind(ctx context.Context, req *pb.BindRequest) (*hosted, error) {
	ping, err := pingAnswer(req.GetPing())
	if err != nil {
		return nil, err
	}
	protection, err := serverTLS(req.GetOptions().GetTls(), s.logger.With("label", req.GetOptions().GetLabel()))
	if err != nil {
		return nil, within("options", err)
	}
	return s.endpoints.host(caller(ctx).Owner, req.GetOptions(), func(options endpoint.Options) (*endpoint.Endpoint, error) {
		options.TLS = protection
		server, err := endpoint.Listen(ctx, req.GetAddress(), endpoint.ServerOptions{Options: options, Ping: ping})
		if err != nil {
			return nil, err
		}
		return server.Endpoint, nil
	})
}

func pingAnswer(o *pb.PingOptions) (*session.PingAnswer, error) {
	if o == nil {
		return nil, nil
	}
	data, err := optionalBody("ping.data", o.GetData())
	if err != nil {
		return nil, err
	}
	return &session.PingAnswer{Application: o.GetApplicationAnswers(), Data: data}, nil
}
