package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// healthCommand asks a running sidecar whether it serves, for probes. No token is needed.
type healthCommand struct {
	Address string        `arg:"" help:"The sidecar: host:port or unix:/path."`
	Timeout time.Duration `default:"2s" help:"How long to wait (default ${default})."`
	tlsFlags
}

// Help is shown by `pengbridge health --help`.
func (*healthCommand) Help() string {
	return `Prints SERVING, and exits with 0, if it does; else it exits with 1. A sidecar that drains is NOT_SERVING.

Example:
  pengbridge health unix:/run/pengbridge/api.sock`
}

func (c *healthCommand) Run(s *streams) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	transport := insecure.NewCredentials()
	if config != nil {
		transport = credentials.NewTLS(config)
	}
	conn, err := grpc.NewClient(c.Address, grpc.WithTransportCredentials(transport), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return fmt.Errorf("%s does not answer: %s", c.Address, status.Convert(err).Message())
	}
	if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s is %v", c.Address, answer.GetStatus())
	}
	_, err = fmt.Fprintln(s.out, answer.GetStatus())
	return err
}
