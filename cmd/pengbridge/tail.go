package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
	"github.com/pengbridge/pengbridge/core/event"
)

// attachTimeout bounds finding the sidecar and its endpoint.
const attachTimeout = 10 * time.Second

// tailCommand shows events as they happen. It observes: it slows nobody down, and a read-only token will do.
type tailCommand struct {
	Address   string `arg:"" help:"The sidecar: host:port or unix:/path."`
	TokenFile string `type:"path" required:"" env:"PENGBRIDGE_TOKEN_FILE" placeholder:"FILE" help:"The token to use; a read-only one will do."`
	Endpoint  string `placeholder:"ID" help:"Whose events. Not needed while there is only one endpoint."`
	From      uint64 `placeholder:"SEQUENCE" help:"Begin with this event rather than the oldest one held."`
	tlsFlags
}

// Help is shown by `pengbridge tail --help`.
func (*tailCommand) Help() string {
	return `Prints one line for each event, until the endpoint ends or Ctrl-C is pressed.

Example:
  pengbridge tail 127.0.0.1:7777 --token-file tokens`
}

func (c *tailCommand) Run(s *streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	sidecar, id, err := c.find(ctx)
	if err != nil {
		return err
	}
	defer sidecar.Close()
	subscription := sidecar.Subscribe(ctx, client.SubscribeOptions{
		EndpointID:   id,
		FromSequence: c.From,
		Format:       pb.BodyFormat_BODY_FORMAT_JSON,
	})
	defer subscription.Close()
	for e, err := range subscription.Events() {
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(s.out, describe(e)); err != nil {
			return err
		}
	}
	return nil
}

// find attaches to the sidecar and settles whose events are wanted.
func (c *tailCommand) find(ctx context.Context) (*client.Sidecar, string, error) {
	ctx, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	config, err := c.config()
	if err != nil {
		return nil, "", err
	}
	sidecar, err := client.Attach(ctx, c.Address, client.AttachOptions{TokenFile: c.TokenFile, TLS: config})
	if err != nil {
		return nil, "", err
	}
	if c.Endpoint != "" {
		return sidecar, c.Endpoint, nil
	}
	id, err := onlyEndpoint(ctx, sidecar)
	if err != nil {
		return nil, "", errors.Join(err, sidecar.Close())
	}
	return sidecar, id, nil
}

func onlyEndpoint(ctx context.Context, sidecar *client.Sidecar) (string, error) {
	list, err := sidecar.API.ListEndpoints(ctx, &pb.ListEndpointsRequest{})
	if err != nil {
		return "", err
	}
	switch endpoints := list.GetEndpoints(); len(endpoints) {
	case 0:
		return "", errors.New("there is no endpoint yet that this token may see")
	case 1:
		return endpoints[0].GetEndpointId(), nil
	default:
		var b strings.Builder
		for _, e := range endpoints {
			fmt.Fprintf(&b, "\n  %s %s:%d %s", e.GetEndpointId(), e.GetAddress().GetHost(), e.GetAddress().GetPort(), e.GetLabel())
		}
		return "", fmt.Errorf("there are several endpoints, choose one with --endpoint:%s", b.String())
	}
}

// describe returns an event as one line: sequence, time, name, and the fields that are set.
func describe(e *pb.Event) string {
	var b strings.Builder
	at := time.Unix(0, int64(e.GetTimeUnixNano())).Format("15:04:05.000000")
	fmt.Fprintf(&b, "%d %s %s", e.GetSequence(), at, event.Type(e.GetType()))
	if c := e.GetConnectionId(); c != 0 {
		fmt.Fprintf(&b, " connection=%d", c)
	}
	if list := e.GetConnectionIds(); len(list) > 0 {
		fmt.Fprintf(&b, " connections=%d", list)
	}
	if id := e.GetPacketId(); id != 0 {
		fmt.Fprintf(&b, " packet=%d:%q", id, e.GetPacket())
	}
	if e.GetRefused() {
		b.WriteString(" refused")
	}
	if a := e.GetAddress(); a != nil {
		fmt.Fprintf(&b, " address=%s:%d", a.GetHost(), a.GetPort())
	}
	if e.Reason != nil {
		fmt.Fprintf(&b, " reason=%q", e.GetReason())
	}
	if e.GetDetail() != "" {
		fmt.Fprintf(&b, " detail=%q", e.GetDetail())
	}
	if e.GetJson() != "" {
		fmt.Fprintf(&b, " body=%s", e.GetJson())
	}
	return b.String()
}
