// Command gopeer is a guest of the demo's tavern, written in Go: it uses the package core/endpoint and needs no sidecar.
//
// Usage: gopeer <name> <port>. The demo tells it on stdin what to do, as lines of JSON, and reads its reports on stdout.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gopeer <name> <port>")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gopeer:", err)
		os.Exit(1)
	}
}

// connectTimeout bounds the handshake.
const connectTimeout = 10 * time.Second

// run plays a guest until stdin ends.
func run(name, port string, stdin io.Reader, stdout io.Writer) error {
	g := &guest{out: json.NewEncoder(stdout)}
	opts := endpoint.ClientOptions{WaitHandshake: true}
	opts.Events = g
	for _, packetName := range []string{tick, seen, heard, worldMap, say, enter, goTo} { // any order: the server's ids win
		opts.Packets = append(opts.Packets, packet.Type{Name: packetName})
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	client, err := endpoint.Dial(ctx, "127.0.0.1:"+port, opts)
	if err != nil {
		return err
	}
	defer func() { _ = client.Stop() }() // never fails
	g.report(map[string]any{"event": "connected"})
	if err := client.Send(0, packet.Name(enter), encode("name", name)); err != nil {
		return err
	}
	return obey(client, stdin)
}

// obey does what the lines say.
func obey(client *endpoint.Client, lines io.Reader) error {
	for in := bufio.NewScanner(lines); in.Scan(); {
		var c struct{ Do, Text, Room, Reason string }
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		var err error
		switch c.Do {
		case "say":
			err = client.Send(0, packet.Name(say), encode("text", c.Text))
		case "go":
			err = client.Send(0, packet.Name(goTo), encode("room", c.Room))
		case "leave":
			err = client.CloseConn(0, &c.Reason)
		default:
			err = fmt.Errorf("unknown command %q", c.Do)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
