//go:build unix

package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// readGrant is what one turn at the gate brings in at most.
const readGrant = 64 << 10

// kickReason is what the application says when it closes a connection.
const kickReason = "kicked"

const (
	// queueBytes is how much waits for a peer at most.
	queueBytes = 4 << 20
	// enough is how many large packets are more than queue, sockets and proxy hold.
	enough = 500
)

// inflict breaks what the step says, and mends it.
func (r *run) inflict(ctx context.Context, s step) error {
	switch s.fault {
	case nothing:
		return nil
	case resetAPI:
		r.api.each((*link).reset)
	case closeAPI:
		r.api.each((*link).shut)
	case resetBatch:
		r.api.each(func(l *link) { l.down.endAfter(s.bytes, (*link).reset) })
	case closeBatch:
		r.api.each(func(l *link) { l.down.endAfter(s.bytes, (*link).shut) })
	case resetCommands:
		r.api.each(func(l *link) { l.up.endAfter(s.bytes, (*link).reset) })
	case crumbleAPI:
		r.api.each(func(l *link) { l.up.crumble(s.bytes); l.down.crumble(s.bytes) })
	case stallAPI:
		r.api.stall(true)
		defer r.api.stall(false)
		return r.interfere(ctx)
	case takeOver:
		return r.app.takeOver(ctx)
	case crash:
		return errors.Join(r.app.leave(ctx, false), r.app.start(ctx))
	case leaveAndReturn:
		return errors.Join(r.app.leave(ctx, true), r.app.start(ctx))
	case holdApplication:
		return errors.Join(r.app.hold(ctx), r.interfere(ctx), r.app.goOn())
	case fillLog:
		return errors.Join(r.app.hold(ctx), r.fill(ctx), r.interfere(ctx), r.app.goOn())
	case freezeSidecar, freezeAndReset, freezeAndCutPeer:
		return r.freeze(ctx, s)
	case outrunWatcher:
		return r.outrun(ctx)
	default:
		return r.inflictPeer(ctx, s)
	}
	return nil
}

// freeze stops the sidecar's process for a moment, in which something else may break.
func (r *run) freeze(ctx context.Context, s step) error {
	if err := r.sidecar.freeze(ctx); err != nil {
		return err
	}
	var err error
	switch s.fault {
	case freezeAndReset:
		r.api.each((*link).reset)
	case freezeAndCutPeer:
		err = r.inflictPeer(ctx, step{fault: resetPeer, peer: s.peer})
	}
	return errors.Join(err, r.sidecar.thaw())
}

// inflictPeer breaks something about a peer, if it is connected.
func (r *run) inflictPeer(ctx context.Context, s step) error {
	p := r.peers[s.peer]
	id, address, ok := p.connection()
	if !ok {
		return nil
	}
	switch s.fault {
	case partPeer:
		p.depart(goodbye)
		return nil
	case finPeer:
		p.depart(halfCloses)
		return nil
	case deafPeer:
		p.listen(false)
		defer p.listen(true)
		return r.interfere(ctx)
	case kickPeer:
		return r.kick(ctx, id)
	case chokePeer:
		return r.choke(ctx, p, id)
	}
	var l *link
	err := eventually(ctx, "the peer's link", func() bool {
		l = r.game.find(address)
		_, now, ok := p.connection()
		return l != nil || !ok || now != address
	})
	if l == nil {
		return err
	}
	switch s.fault {
	case crumblePeer:
		l.up.crumble(s.bytes)
		l.down.crumble(s.bytes)
		return nil
	case stallPeer:
		l.stall(true)
		defer l.stall(false)
		return r.interfere(ctx)
	}
	r.oracle.cut(id)
	switch s.fault {
	case resetPeer:
		l.reset()
	case closePeer:
		l.shut()
	case halfClosePeer:
		l.up.endAfter(s.bytes, func(l *link) { _ = l.server.CloseWrite() })
	case tearFrame:
		l.up.endAfter(s.bytes, (*link).reset)
	default:
		return fmt.Errorf("nobody knows the fault %v", s.fault)
	}
	return nil
}

// kick lets the application close a connection.
func (r *run) kick(ctx context.Context, life uint32) error {
	conn, ok := r.oracle.connectionOf(life)
	if !ok {
		return nil
	}
	reason := kickReason
	r.oracle.kicked(life, &reason)
	_, err := r.sidecar.control.API.CloseConnection(ctx, &pb.CloseConnectionRequest{
		EndpointId: r.endpoint, Close: &pb.ConnectionClose{ConnectionId: conn, Reason: &reason},
	})
	if status.Code(err) == codes.NotFound { // it is ending already, for another reason
		r.oracle.kicked(life, nil)
		return nil
	}
	return err
}

// choke sends more to a peer that does not read than its queue holds.
func (r *run) choke(ctx context.Context, p *peer, life uint32) error {
	conn, ok := r.oracle.connectionOf(life)
	if !ok {
		return nil
	}
	p.listen(false)
	defer p.listen(true)
	r.oracle.choked(life)
	for range enough {
		err := r.send(ctx, conn, largeBody())
		if err == nil {
			continue
		}
		if s := status.Convert(err); s.Code() == codes.NotFound || reasonOf(s) == "SEND_QUEUE_FULL" {
			return nil
		}
		return err
	}
	return errors.New("the queue of a peer that does not read takes everything")
}

// fill lets the peers send, while the application does not read, until the endpoint does not read any more either.
func (r *run) fill(ctx context.Context) error {
	var info *pb.EndpointInfo
	err := eventually(ctx, "the endpoint to pause", func() bool {
		if r.spent() { // or some was lost when a connection broke
			r.allow(2 * int(r.backlog) / r.size / len(r.peers))
		}
		var err error
		info, err = r.info(ctx)
		return err == nil && info.GetPhase() == pb.EndpointPhase_ENDPOINT_PHASE_PAUSED
	})
	if err != nil {
		return err
	}
	limit := r.backlog + 32<<10 // lifecycle events, and what events take besides their packets
	if r.recorded {             // sends may have filled the log while reads were under way, also of connections that had broken
		limit += min(info.GetConnectionsTotal(), r.backlog/readGrant) * readGrant
	}
	if info.GetBacklogBytes() > limit && r.end != absent { // before its subscriber first came, the log was a ring
		return fmt.Errorf("the backlog has %d bytes, at most %d were promised", info.GetBacklogBytes(), limit)
	}
	return nil
}

func (r *run) info(ctx context.Context) (*pb.EndpointInfo, error) {
	listed, err := r.sidecar.control.API.ListEndpoints(ctx, &pb.ListEndpointsRequest{})
	if err != nil {
		return nil, err
	}
	for _, info := range listed.GetEndpoints() {
		if info.GetEndpointId() == r.endpoint {
			return info, nil
		}
	}
	return nil, errGone
}

var errGone = errors.New("the endpoint is gone")

// interfere makes every call that must be answered whatever else stands still, over a connection that is not broken.
func (r *run) interfere(ctx context.Context) error {
	api := r.sidecar.control.API
	healthy, err := healthpb.NewHealthClient(r.sidecar.control.Conn()).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil || healthy.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("health: %v %w", healthy, err)
	}
	if _, err := api.Interrupt(ctx, &pb.InterruptRequest{EndpointId: r.endpoint}); err != nil {
		return fmt.Errorf("interrupt: %w", err)
	}
	if _, err := api.ListConnections(ctx, &pb.ListConnectionsRequest{EndpointId: r.endpoint}); err != nil {
		return fmt.Errorf("listing connections: %w", err)
	}
	if _, err := api.Ping(ctx, &pb.PingRequest{Address: addressOf(r.other)}); err != nil {
		return fmt.Errorf("another endpoint: %w", err)
	}
	for _, p := range r.peers {
		if err := r.sendPast(ctx, p); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
	return nil
}

// sendPast sends a packet to a peer past the application.
func (r *run) sendPast(ctx context.Context, p *peer) error {
	life, _, ok := p.connection()
	if !ok {
		return nil
	}
	conn, ok := r.oracle.connectionOf(life)
	if !ok {
		return nil
	}
	err := r.send(ctx, conn, &pb.PacketBody{Value: &pb.PacketBody_Json{Json: "1"}})
	s := status.Convert(err)
	if s.Code() == codes.NotFound || r.recorded && reasonOf(s) == "EVENT_LOG_FULL" {
		return nil
	}
	return err
}

func (r *run) send(ctx context.Context, conn uint64, body *pb.PacketBody) error {
	_, err := r.sidecar.control.API.SendMessage(ctx, &pb.SendMessageRequest{EndpointId: r.endpoint, Message: &pb.Message{
		ConnectionId: conn, Packet: &pb.Message_Name{Name: "control"}, Body: body,
	}})
	if err == nil {
		r.oracle.sentPast(conn)
	}
	return err
}

// largeBody is a sixteenth of a peer's queue.
func largeBody() *pb.PacketBody {
	return &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: msgp.AppendBytes(nil, make([]byte, queueBytes/16))}}
}

// reasonOf returns what a status tells programs.
func reasonOf(s *status.Status) string { return detailOf(s).GetReason() }

// detailOf returns the same with its particulars; nil if there is nothing.
func detailOf(s *status.Status) *errdetails.ErrorInfo {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}
