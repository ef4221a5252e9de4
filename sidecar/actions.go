package sidecar

// What can be done to an endpoint. Both unary calls and the Commands stream come here, so an action means the same in either.
// Errors name the fields of the action's own message.

import (
	"context"
	"errors"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

const (
	defaultFlush = 5 * time.Second
	maxFlush     = time.Minute
	maxShutdown  = time.Minute
)

// outbox takes packets: the endpoint itself, which writes them at once, or a batch, which writes them together.
type outbox interface {
	Send(conn uint64, ref packet.Ref, body []byte) error
	Broadcast(t endpoint.Target, ref packet.Ref, body []byte) (endpoint.BroadcastResult, error)
}

func send(out outbox, m *pb.Message) error {
	ref, err := messagePacket(m)
	if err != nil {
		return err
	}
	body, err := bodyBytes("body", m.GetBody())
	if err != nil {
		return err
	}
	return post(out, m.GetConnectionId(), ref, body)
}

// post sends a packet whose type and body are known.
func post(out outbox, conn uint64, ref packet.Ref, body []byte) error {
	return aboutBody("body", out.Send(conn, ref, body))
}

func broadcast(out outbox, m *pb.BroadcastMessage) (endpoint.BroadcastResult, error) {
	ref, err := broadcastPacket(m)
	if err != nil {
		return endpoint.BroadcastResult{}, err
	}
	body, err := bodyBytes("body", m.GetBody())
	if err != nil {
		return endpoint.BroadcastResult{}, err
	}
	target := endpoint.Target{Conns: m.GetConnectionIds(), Group: m.GetGroup(), Exclude: m.GetExcludeConnectionIds()}
	result, err := out.Broadcast(target, ref, body)
	return result, aboutBody("body", err)
}

func (h *hosted) closeConnection(m *pb.ConnectionClose) error {
	return h.CloseConn(m.GetConnectionId(), given(m).Reason)
}

func (h *hosted) updateConnection(m *pb.ConnectionUpdate) error {
	return h.Update(m.GetConnectionId(), endpoint.Update{
		Changes: session.Changes{State: given(m).State, Mode: given(m).Mode, Conntype: given(m).Conntype},
		Join:    m.GetJoinGroups(),
		Leave:   m.GetLeaveGroups(),
	})
}

func (h *hosted) registerPackets(m *pb.PacketRegistration) ([]packet.Type, error) {
	types, err := packetTypes(m.GetPackets())
	if err != nil {
		return nil, err
	}
	return h.RegisterPackets(types)
}

func (h *hosted) registerConntypes(m *pb.ConntypeRegistration) error {
	types, err := conntypes(m.GetConntypes())
	if err != nil {
		return err
	}
	return h.RegisterConntypes(types)
}

func (h *hosted) acknowledge(m *pb.Acknowledgement) error {
	err := h.log.Acknowledge(m.GetSession(), m.GetSubscriber(), m.GetSequence())
	if err == nil && m.GetLeaving() {
		h.log.Depart(m.GetSession(), m.GetSubscriber())
	}
	return err
}

func (h *hosted) setCompression(m *pb.Compression) error {
	return h.SetCompression(coreCompression(given(m)))
}

func (h *hosted) flush(ctx context.Context, m *pb.Flush) error {
	limit, err := timeout(m.GetTimeout(), defaultFlush, maxFlush)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return h.Flush(ctx)
}

// beginShutdown does not wait for the end, even with join, because the Commands stream goes on.
func (h *hosted) beginShutdown(m *pb.EndpointShutdown) error {
	options, err := shutdownOptions(m)
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(context.Background())
	cancel() // core begins the shutdown all the same, and does not wait
	if _, err := h.Shutdown(over, options); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func shutdownOptions(m *pb.EndpointShutdown) (endpoint.ShutdownOptions, error) {
	limit, err := timeout(m.GetTimeout(), 0, maxShutdown) // 0: core's default
	if err != nil {
		return endpoint.ShutdownOptions{}, err
	}
	return endpoint.ShutdownOptions{Reason: given(m).Reason, Join: m.GetJoin(), Timeout: limit}, nil
}

// given returns m, or an empty message where a request has none: fields that are unset on purpose have no getter.
func given[M any](m *M) *M {
	if m == nil {
		return new(M)
	}
	return m
}
