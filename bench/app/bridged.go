package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	pengbridge "github.com/pengbridge/pengbridge/clients/go"
)

// subscriber is the name under which the application takes its events.
const subscriber = "bench"

// batch is how many commands are given to the client library at a time.
const batch = 1024

// Bridged is an application of the sidecar that serves the packets, written as one would write it for speed: it does not ask
// for events it has no use for, knows packets by their ids, and sends all answers to a batch of events together.
type Bridged struct {
	sidecar  *pengbridge.Sidecar
	endpoint string
	port     int

	commands            *pengbridge.Commands
	answers             []pengbridge.Packet // to the events that are being handled
	connections         []uint64            // whose handshake is complete
	connected, received uint64
}

// Bind starts a sidecar (the binary that PENGBRIDGE_BINARY names) and a server on it.
func Bind(ctx context.Context, compress bool) (*Bridged, error) {
	sidecar, err := pengbridge.Spawn(ctx, pengbridge.SpawnOptions{})
	if err != nil {
		return nil, err
	}
	options := &pb.EndpointOptions{
		Events: &pb.EventOptions{
			ExpectedSubscriber: subscriber,
			OmitTypes:          []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND},
			OmitPacketNames:    true,
		},
		Compression: &pb.Compression{Disabled: !compress},
	}
	for _, name := range names {
		options.Packets = append(options.Packets, &pb.Packet{Name: name})
	}
	bound, err := sidecar.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0", Options: options})
	if err != nil {
		return nil, errors.Join(err, sidecar.Close())
	}
	return &Bridged{sidecar: sidecar, endpoint: bound.GetEndpointId(), port: int(bound.GetAddress().GetPort())}, nil
}

// Port is the port of this machine that the server listens on.
func (b *Bridged) Port() int { return b.port }

// Serve handles events until ctx ends or the endpoint does, and closes the sidecar.
func (b *Bridged) Serve(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, b.sidecar.Close()) }()
	var failed error // of OnFailure's goroutine, and read when that has ended
	b.commands = b.sidecar.Commands(ctx, pengbridge.CommandsOptions{
		EndpointID: b.endpoint,
		OnFailure:  func(err *pengbridge.CommandError) { failed = err },
	})
	defer func() { err = errors.Join(err, b.commands.Close(ctx), failed) }()
	events := b.sidecar.Subscribe(ctx, pengbridge.SubscribeOptions{
		EndpointID: b.endpoint, Subscriber: subscriber, Commands: b.commands, Reuse: true,
	})
	defer events.Close()
	for {
		next, err := events.Next()
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, event := range next {
			if err := b.handle(ctx, event); err != nil {
				return err
			}
		}
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
}

// handle handles one event; answers wait for flush.
func (b *Bridged) handle(ctx context.Context, event *pb.Event) error {
	switch event.GetType() {
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE:
		b.connected++
		b.connections = append(b.connections, event.GetConnectionId())
	case pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV:
		return b.receive(ctx, event)
	}
	return nil
}

func (b *Bridged) receive(ctx context.Context, event *pb.Event) error {
	cid, body := event.GetConnectionId(), event.GetMsgpack()
	switch event.GetPacketId() {
	case EchoID:
		return b.send(ctx, cid, EchoID, body)
	case SinkID:
		b.received++
	case MarkID:
		return b.send(ctx, cid, MarkID, markAnswer(b.connected, b.received))
	case FloodID:
		count, data, err := readFlood(body)
		if err != nil {
			return err
		}
		for range count {
			if err := b.send(ctx, cid, DataID, data); err != nil {
				return err
			}
		}
	case BroadcastID:
		return b.broadcast(ctx, body)
	}
	return nil
}

// broadcast carries out what a BroadcastBody asks for.
func (b *Bridged) broadcast(ctx context.Context, request []byte) error {
	each, data, err := readBroadcast(request)
	if err != nil {
		return err
	}
	if !each {
		if err := b.flush(ctx); err != nil {
			return err
		}
		_, err := b.commands.Send(ctx, &pb.Command{Action: &pb.Command_Broadcast{Broadcast: &pb.BroadcastMessage{
			Packet: &pb.BroadcastMessage_Id{Id: DataID}, Body: msgpack(data),
		}}})
		return err
	}
	for _, cid := range b.connections {
		if err := b.send(ctx, cid, DataID, data); err != nil {
			return err
		}
	}
	return nil
}

// send sends a packet, with others, sooner or later.
func (b *Bridged) send(ctx context.Context, cid uint64, id uint32, body []byte) error {
	b.answers = append(b.answers, pengbridge.Packet{ConnectionID: cid, ID: id, Body: body})
	if len(b.answers) < batch {
		return nil
	}
	return b.flush(ctx)
}

// flush sends what waits.
func (b *Bridged) flush(ctx context.Context) error {
	if len(b.answers) == 0 {
		return nil
	}
	_, err := b.commands.SendPackets(ctx, b.answers...)
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	clear(b.answers)
	b.answers = b.answers[:0]
	return nil
}

func msgpack(body []byte) *pb.PacketBody {
	return &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: body}}
}
