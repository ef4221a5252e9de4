package sidecar

import (
	"context"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/session"
)

// How long connecting, and pinging, may take.
const (
	defaultConnect = 10 * time.Second
	maxConnect     = 5 * time.Minute
)

// Connect makes a client endpoint.
func (s *service) Connect(ctx context.Context, req *pb.ConnectRequest) (*pb.ConnectResponse, error) {
	h, client, err := s.connect(ctx, req)
	if err != nil {
		return nil, translate(err)
	}
	return &pb.ConnectResponse{
		EndpointId:    h.id,
		LocalAddress:  address(client.Local),
		RemoteAddress: address(client.Remote),
		TlsLevel:      pb.TlsLevel(client.TLS), // numbered alike
		Registry:      registry(h.Registry()),
	}, nil
}

// connect returns the client, and what hosts it.
func (s *service) connect(ctx context.Context, req *pb.ConnectRequest) (h *hosted, client *endpoint.Client, err error) {
	if err := checkEnums(
		enumField{"wait", req.GetWait()}, enumField{"missing_packet_action", req.GetMissingPacketAction()},
	); err != nil {
		return nil, nil, err
	}
	limit, err := timeout(req.GetTimeout(), defaultConnect, maxConnect)
	if err != nil {
		return nil, nil, err
	}
	protection, err := clientTLS(req.GetOptions().GetTls())
	if err != nil {
		return nil, nil, within("options", err)
	}
	options := endpoint.ClientOptions{
		Conntype:            req.GetConntype(),
		DisableRegistrySync: req.GetDisableRegistrySync(),
		WaitHandshake:       req.GetWait() == pb.ConnectWait_CONNECT_WAIT_HANDSHAKE,
	}
	if req.GetMissingPacketAction() == pb.MissingPacketAction_MISSING_PACKET_ACTION_IGNORE {
		options.Missing = session.MissingIgnore
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	h, err = s.endpoints.host(caller(ctx).Owner, req.GetOptions(), func(shared endpoint.Options) (*endpoint.Endpoint, error) {
		options.Options = shared
		options.TLS = protection
		var err error
		if client, err = endpoint.Dial(ctx, req.GetAddress(), options); err != nil {
			return nil, err
		}
		return client.Endpoint, nil
	})
	return h, client, err
}
