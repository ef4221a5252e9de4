package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// numbers is how many packets an application sends to its peer before its end.
const numbers = 1000

// application stands in for a Go game: it has a server in a sidecar of its own, waits for a packet from its first peer, sends
// the numbers to it, and then ends as its argument says. Its first line is its place, its second one "sent".
func application() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sidecar, err := client.Spawn(ctx, client.SpawnOptions{Stderr: os.Stderr})
	check(err)
	server, err := sidecar.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0", Options: options("app")})
	check(err)
	info, err := sidecar.API.GetInfo(ctx, &pb.GetInfoRequest{})
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(place{int(info.GetPid()), int(server.GetAddress().GetPort())}))

	events := sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: server.GetEndpointId(), Subscriber: "app"})
	var peer uint64
	for e, err := range events.Events() {
		check(err)
		if e.GetPacket() == "test:count" {
			peer = e.GetConnectionId()
			break
		}
	}
	commands := sidecar.Commands(ctx, client.CommandsOptions{EndpointID: server.GetEndpointId()})
	for n := range numbers {
		_, err := commands.Send(ctx, count(peer, n))
		check(err)
	}
	end(ctx, os.Args[1], sidecar, commands, events)
}

// place is where an application's sidecar and server are.
type place struct{ PID, Port int }

// end ends an application.
func end(ctx context.Context, how string, sidecar *client.Sidecar, commands *client.Commands, events *client.Subscription) {
	switch how {
	case "close":
		check(commands.Close(ctx))
		events.Close()
		check(sidecar.Close())
	case "panic":
		panic(how)
	case "wait":
		fmt.Println("sent")
		select {}
	case "outlive": // its sidecar, which is killed
		fmt.Println("sent")
		<-sidecar.Done()
		_, err := sidecar.API.GetInfo(ctx, &pb.GetInfoRequest{})
		mustFail(err)
		_, err = events.Next()
		for err == nil {
			_, err = events.Next()
		}
		mustFail(commands.Close(ctx))
		mustFail(sidecar.Close())
		again, err := client.Spawn(ctx, client.SpawnOptions{Stderr: os.Stderr})
		check(err)
		_, err = again.API.GetInfo(ctx, &pb.GetInfoRequest{})
		check(err)
		check(again.Close())
	default: // an exit code
		code, err := strconv.Atoi(how)
		check(err)
		os.Exit(code)
	}
}

func mustFail(err error) {
	if err == nil {
		panic("what needs the dead sidecar did not fail")
	}
}

func options(subscriber string) *pb.EndpointOptions {
	return &pb.EndpointOptions{
		Packets: []*pb.Packet{{Name: "test:count"}},
		Events:  &pb.EventOptions{ExpectedSubscriber: subscriber},
	}
}

func count(connection uint64, n int) *pb.Command {
	return &pb.Command{Action: &pb.Command_Send{Send: &pb.Message{
		ConnectionId: connection,
		Packet:       &pb.Message_Name{Name: "test:count"},
		Body:         &pb.PacketBody{Value: &pb.PacketBody_Msgpack{Msgpack: msgp.AppendInt(nil, n)}},
	}}}
}
