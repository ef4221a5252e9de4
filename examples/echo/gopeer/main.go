// Command gopeer sends what it is given to the echo server, without a sidecar: go run ./examples/echo/gopeer [host:port [text...]]
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

const (
	echo    = "example:echo"
	timeout = 5 * time.Second
)

func main() {
	address, texts := "127.0.0.1:8080", []string{"hello", "Grüße"}
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if len(os.Args) > 2 {
		texts = os.Args[2:]
	}
	if err := run(address, texts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run sends the texts and prints what comes back.
func run(address string, texts []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cameBack := make(chan []byte, len(texts))
	client, err := endpoint.Dial(ctx, address, endpoint.ClientOptions{
		Options: endpoint.Options{
			Packets: []packet.Type{{Name: echo}},
			Events: event.Func(func(ev event.Event) {
				if ev.Type == event.ClientRecv && ev.Packet == echo {
					cameBack <- bytes.Clone(ev.Body) // the body is ours only until we return
				}
			}),
		},
		WaitHandshake: true,
	})
	if err != nil {
		return err
	}
	defer func() { _ = client.Stop() }() // never fails
	for _, text := range texts {
		body := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "text"), text)
		if err := client.Send(0, packet.Name(echo), body); err != nil {
			return err
		}
	}
	for range texts {
		select {
		case body := <-cameBack:
			msg, _, err := msgp.ReadMapStrIntfBytes(body, nil)
			if err != nil {
				return err
			}
			fmt.Println("came back:", msg)
		case <-ctx.Done():
			return fmt.Errorf("not everything came back: %w", ctx.Err())
		}
	}
	return nil
}
