package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"google.golang.org/grpc/credentials"

	"github.com/pengbridge/pengbridge/sidecar"
	"github.com/pengbridge/pengbridge/sidecar/launch"
	"github.com/pengbridge/pengbridge/sidecar/tlsfile"
)

// attached serves callers with a token from the file: started by hand, under systemd, or in a container.
func (c *serveCommand) attached(signals *launch.Signals, logger *slog.Logger) error {
	tokens, err := launch.ReadTokenFile(c.TokenFile)
	if err != nil {
		return exitError{launch.ExitUsage, err}
	}
	creds, err := c.credentials(logger)
	if err != nil {
		return exitError{launch.ExitUsage, err}
	}
	listener, err := c.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := c.clearReadyFile(); err != nil { // not before listening: it may belong to a sidecar that still listens there
		return exitError{launch.ExitUsage, err}
	}
	metrics, err := serveMetrics(c.Metrics)
	if err != nil {
		return exitError{launch.ExitListen, err}
	}
	defer metrics.close()

	options := c.options(logger)
	options.Tokens = launch.NewTokens(tokens...)
	options.Credentials = creds
	options.Reflection = c.Reflection || listener.Local()
	options.Metrics = metrics.registerer()
	service, err := sidecar.New(options)
	if err != nil {
		return exitError{launch.ExitUsage, err}
	}
	defer c.removeReadyFile()
	l := life{service, listener, context.Background(), signals.Drain(), signals.Force(), c.Drain, logger}
	return l.run(func() error {
		logger.Info("serving", "address", listener.Target(), "version", version)
		if metrics != nil {
			logger.Info("serving metrics", "url", "http://"+metrics.address.String()+"/metrics")
		}
		return c.writeReadyFile(listener.Target())
	})
}

// listen opens the listener. If other machines can reach it, it needs TLS, and certificates of its callers, so that strangers are
// refused before they send a byte; or else a flag that says that tokens are enough.
func (c *serveCommand) listen() (*launch.Listener, error) {
	listener, err := launch.ListenAt(c.Listen, c.TLSCert != "")
	switch {
	case errors.Is(err, launch.ErrRemote):
		return nil, exitError{launch.ExitUsage, fmt.Errorf("%w: give --tls-cert and --tls-key, and --tls-client-ca, or listen on 127.0.0.1", err)}
	case err != nil:
		return nil, exitError{launch.ExitListen, err}
	case !listener.Local() && c.TLSClientCA == "" && !c.TLSAnyClient:
		_ = listener.Close()
		return nil, exitError{launch.ExitUsage, fmt.Errorf(
			"%s: %w: give --tls-client-ca, so that callers need a certificate, or say --tls-any-client", c.Listen, launch.ErrRemote)}
	}
	return listener, nil
}

// credentials returns TLS if it was asked for, else the credentials of local sockets.
func (c *serveCommand) credentials(logger *slog.Logger) (credentials.TransportCredentials, error) {
	if c.TLSCert == "" {
		return launch.PeerCredentials(nil), nil
	}
	files := tlsfile.Files{Certificate: c.TLSCert, Key: c.TLSKey, CA: c.TLSClientCA}
	config, err := tlsfile.Server(files, c.TLSClientCA != "", logger)
	if wrong, ok := errors.AsType[*tlsfile.Error](err); ok {
		flag := [...]string{
			tlsfile.CertificateFile: "--tls-cert", tlsfile.KeyFile: "--tls-key", tlsfile.CAFile: "--tls-client-ca",
		}[wrong.Field]
		return nil, fmt.Errorf("%s: the file %s", flag, wrong.Problem)
	}
	return launch.PeerCredentials(credentials.NewTLS(config)), nil
}

// clearReadyFile removes the file that a killed sidecar has left, so that nobody who waits for the new one finds it.
func (c *serveCommand) clearReadyFile() error {
	if c.ReadyFile == "" {
		return nil
	}
	if err := launch.ClearReadyFile(c.ReadyFile); err != nil {
		return fmt.Errorf("--ready-file: name a file in a folder that is there and can be written to: %w", err)
	}
	return nil
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
		launch.RemoveReadyFile(c.ReadyFile, os.Getpid())
	}
}
