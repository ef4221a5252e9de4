package endpoint_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"strconv"
	"strings"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// letter is one packet that arrived, copied out of its event.
type letter struct {
	conn uint64
	body []byte
}

// An echo server: it answers each packet with the same packet. The sink is called while a connection is being handled, so
// it does not send by itself; it hands the packets to a goroutine that does.
func ExampleListen() {
	mailbox := make(chan letter, 16)
	server, err := endpoint.Listen(context.Background(), "127.0.0.1:0", endpoint.ServerOptions{Options: endpoint.Options{
		Packets: []packet.Type{{Name: "example:echo"}},
		Events: event.Func(func(ev event.Event) {
			if ev.Type == event.ServerRecv && ev.Packet == "example:echo" {
				mailbox <- letter{ev.Conn, append([]byte(nil), ev.Body...)}
			}
		}),
	}})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for l := range mailbox {
			if err := server.Send(l.conn, packet.Name("example:echo"), l.body); err != nil {
				log.Print(err)
			}
		}
	}()

	fmt.Println(shout(server.Addr(), "hello"))
	_ = server.Stop()
	close(mailbox)
	// Output: hello
}

// shout sends a text to an echo server and returns the answer.
func shout(to event.Addr, text string) string {
	answers := make(chan string, 1)
	client, err := endpoint.Dial(context.Background(), net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))), endpoint.ClientOptions{
		Options: endpoint.Options{
			Packets: []packet.Type{{Name: "example:echo"}},
			Events: event.Func(func(ev event.Event) {
				if ev.Type == event.ClientRecv && ev.Packet == "example:echo" {
					answers <- string(ev.Body[1:]) // behind the MessagePack head of a short text
				}
			}),
		},
		WaitHandshake: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Stop() }()
	body := append([]byte{0xa0 | byte(len(text))}, text...)
	if err := client.Send(0, packet.Name("example:echo"), body); err != nil {
		log.Fatal(err)
	}
	return <-answers
}

// A client sees its own life as events, here by name.
func ExampleDial() {
	server, err := endpoint.Listen(context.Background(), "127.0.0.1:0", endpoint.ServerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := endpoint.Dial(context.Background(), net.JoinHostPort("127.0.0.1", strconv.Itoa(int(server.Addr().Port))), endpoint.ClientOptions{
		Options: endpoint.Options{
			Events: event.Func(func(ev event.Event) { fmt.Println(strings.TrimSpace(ev.Type.String() + " " + ev.Packet)) }),
		},
		WaitHandshake: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = client.Stop()
	_ = server.Stop()
	// Output:
	// peng3dnet:client.initialize
	// peng3dnet:client.connect
	// peng3dnet:client.start
	// peng3dnet:client.recv peng3dnet:internal.hello
	// peng3dnet:client.send peng3dnet:internal.settype
	// peng3dnet:client.recv peng3dnet:internal.handshake
	// peng3dnet:client.send peng3dnet:internal.handshake.accept
	// peng3dnet:client.handshakecomplete
	// peng3dnet:client.send peng3dnet:internal.closeconn
	// peng3dnet:client.close
	// peng3dnet:client.stop
	// peng3dnet:client.interrupt
}
