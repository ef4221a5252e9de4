// Command goserver is the echo server in Go, on clients/go, with a sidecar of its own:
// PENGBRIDGE_BINARY=$PWD/bin/pengbridge go run ./examples/echo/goserver [host:port]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	pengbridge "github.com/pengbridge/pengbridge/clients/go"
)

const (
	echo = "example:echo"
	me   = "goserver" // the durable subscriber
)

func main() {
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until Ctrl-C.
func run(address string) (err error) {
	interrupted, restore := signal.NotifyContext(context.Background(), os.Interrupt)
	defer restore()
	// Not interrupted's: the last events are still to be read when that has ended.
	ctx := context.Background()
	sidecar, err := pengbridge.Spawn(ctx, pengbridge.SpawnOptions{Stderr: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sidecar.Close()) }()
	server, err := sidecar.API.Bind(ctx, &pb.BindRequest{Address: address, Options: &pb.EndpointOptions{
		Packets: []*pb.Packet{{Name: echo}},
		// From its first event on, the log keeps everything for us.
		Events: &pb.EventOptions{ExpectedSubscriber: me},
	}})
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s:%d\n", server.GetAddress().GetHost(), server.GetAddress().GetPort())
	stop := context.AfterFunc(interrupted, func() {
		// An endpoint goes on until it is told to end, a client's too when its connection has ended.
		_, _ = sidecar.API.Shutdown(ctx, &pb.ShutdownRequest{EndpointId: server.GetEndpointId(), Shutdown: &pb.EndpointShutdown{}})
	})
	defer stop()
	return answer(ctx, sidecar, server.GetEndpointId())
}

// answer sends back what comes in, until the server ends.
func answer(ctx context.Context, sidecar *pengbridge.Sidecar, id string) error {
	commands := sidecar.Commands(ctx, pengbridge.CommandsOptions{
		EndpointID: id,
		OnFailure:  func(failed *pengbridge.CommandError) { fmt.Fprintln(os.Stderr, failed) },
	})
	defer func() { _ = commands.Close(ctx) }() // that the endpoint has ended is no news
	events := sidecar.Subscribe(ctx, pengbridge.SubscribeOptions{EndpointID: id, Subscriber: me})
	defer events.Close()
	for event, err := range events.Events() {
		if err != nil {
			return err
		}
		if event.GetType() == pb.EventType_EVENT_TYPE_SERVER_CONNECTION_RECV && event.GetPacket() == echo {
			packet := pengbridge.Packet{ConnectionID: event.GetConnectionId(), Name: echo, Body: event.GetMsgpack()}
			if _, err := commands.SendPackets(ctx, packet); err != nil {
				return err
			}
		}
	}
	return nil
}
