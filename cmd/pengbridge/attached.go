package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"google.golang.org/grpc/credentials"

	"github.com/pengbridge/pengbridge/sidecar"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// attached serves whoever has a token from the file: by hand, under systemd, in a container.
func (c *serveCommand) attached(signals *launch.Signals, logger *slog.Logger) error {
	tokens, err := launch.ReadTokenFile(c.TokenFile)
	if err != nil {
		return exitError{launch.ExitUsage, err}
	}
	creds, err := c.credentials()
	if err != nil {
		return exitError{launch.ExitUsage, err}
	}
	listener, err := launch.ListenAt(c.Listen, c.TLSCert != "")
	switch {
	case errors.Is(err, launch.ErrRemote):
		return exitError{launch.ExitUsage, fmt.Errorf("%w: give --tls-cert and --tls-key, or listen on 127.0.0.1", err)}
	case err != nil:
		return exitError{launch.ExitListen, err}
	}
	defer listener.Close()
	metrics, err := serveMetrics(c.Metrics)
	if err != nil {
		return exitError{launch.ExitListen, err}
	}
	defer metrics.close()

	service, err := sidecar.New(sidecar.Options{
		Version:      version,
		Tokens:       launch.NewTokens(tokens...),
		Logger:       logger,
		MemoryBudget: int64(c.MemoryBudget),
		Reflection:   true,
		Channelz:     c.Channelz,
		Credentials:  creds,
		Metrics:      metrics.registerer(),
	})
	if err != nil {
		return err
	}
	defer c.removeReadyFile()
	l := life{service, listener, context.Background(), signals, c.Drain, logger}
	return l.run(func() error {
		logger.Info("serving", "address", listener.Target(), "version", version)
		if metrics != nil {
			logger.Info("serving metrics", "url", "http://"+metrics.address.String()+"/metrics")
		}
		return c.writeReadyFile(listener.Target())
	})
}

// credentials returns TLS if it was asked for, and else what local sockets have.
func (c *serveCommand) credentials() (credentials.TransportCredentials, error) {
	if c.TLSCert == "" {
		return launch.PeerCredentials(), nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}

func (c *serveCommand) writeReadyFile(address string) error {
	if c.ReadyFile == "" {
		return nil
	}
	return launch.WriteReadyFile(c.ReadyFile, launch.Ready{
		APIVersion: launch.APIVersion, Address: address, PID: os.Getpid(), Version: version,
	})
}

func (c *serveCommand) removeReadyFile() {
	if c.ReadyFile != "" {
		_ = os.Remove(c.ReadyFile)
	}
}
