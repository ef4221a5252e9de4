package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/core/endpoint"
)

// pingCommand asks a peng3dnet server for its ping data, without a sidecar.
type pingCommand struct {
	Address string        `arg:"" help:"The server: host:port, or host for port 8080."`
	Timeout time.Duration `default:"10s" help:"How long to wait (default ${default})."`
	tlsFlags
}

// Help is shown by `pengbridge ping --help`.
func (*pingCommand) Help() string {
	return `Prints the delay, and then the server's answer as one line of JSON.

Example:
  pengbridge ping game.example.org:8080 | tail -n 1 | jq .peng3dnet.version`
}

func (c *pingCommand) Run(s *streams) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	result, err := endpoint.Ping(ctx, c.Address, endpoint.PingOptions{TLS: config})
	if err != nil {
		return fmt.Errorf("pinging %s: %w", c.Address, err)
	}
	var body bytes.Buffer
	if _, err := msgp.UnmarshalAsJSON(&body, result.Body); err != nil {
		return fmt.Errorf("the answer of %s: %w", c.Address, err)
	}
	_, err = fmt.Fprintf(s.out, "%s answered in %v\n%s\n", c.Address, result.Delay.Round(time.Microsecond), body.Bytes())
	return err
}
