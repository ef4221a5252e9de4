package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/grpclog"

	"github.com/pengbridge/pengbridge/sidecar"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// logFlush is how long the process waits at its end for stderr to take the last log lines.
const logFlush = 200 * time.Millisecond

// serveCommand runs the sidecar in one of two ways: for a parent that writes a hello line (spawned.go), or for anybody with a
// token from a file (attached.go).
type serveCommand struct {
	Spawned bool `help:"Serve the parent process, which writes a hello line to stdin. For client libraries."`

	Listen    string        `placeholder:"ADDR" help:"Listen on host:port or unix:/path. Beyond loopback this needs --tls-cert and --tls-key, and --tls-client-ca or --tls-any-client."`
	TokenFile string        `type:"path" placeholder:"FILE" help:"The tokens that callers need, one a line; mode 600. See: pengbridge token."`
	ReadyFile string        `type:"path" placeholder:"FILE" help:"Write address and process id there once it serves; removed at the end."`
	Metrics   string        `placeholder:"ADDR" help:"Serve Prometheus metrics on http://ADDR/metrics, to anybody who can reach it."`
	Drain     time.Duration `default:"10s" help:"How long goodbyes may take after SIGTERM (default ${default})."`

	TLSCert      string `name:"tls-cert" type:"path" placeholder:"FILE" help:"PEM certificate chain for gRPC. When the TLS files are replaced, the next connection uses the new ones."`
	TLSKey       string `name:"tls-key" type:"path" placeholder:"FILE" help:"PEM private key of --tls-cert."`
	TLSClientCA  string `name:"tls-client-ca" type:"path" placeholder:"FILE" help:"PEM certificates of the authorities that sign callers' certificates. Callers then need one besides the token."`
	TLSAnyClient bool   `name:"tls-any-client" help:"Let callers without a certificate come from other machines: the token is all they need."`

	MaxConnections int        `default:"10000" placeholder:"N" help:"How many gRPC connections there may be at once (default ${default})."`
	Limit          limitFlags `placeholder:"NAME=VALUE" help:"A limit of endpoints whose application asks for none, such as max_connections=1000 or idle_timeout=5m."`
	MaxLimit       limitFlags `placeholder:"NAME=VALUE" help:"The most that an application may ask for, such as max_packet_bytes=1MiB."`
	MemoryBudget   byteSize   `default:"1GiB" placeholder:"SIZE" help:"What all endpoints together may hold for peers and in event logs; beyond it, the peer that holds most is closed (default ${default})."`

	Reflection bool       `help:"Serve the API's description, for tools like grpcurl, to other machines as well. Locally it always is."`
	Channelz   bool       `help:"Serve gRPC's channelz, for looking into the transport."`
	LogLevel   slog.Level `default:"info" help:"Log lines from this level up: debug, info, warn or error (default ${default})."`
}

// Help is shown by `pengbridge serve --help`.
func (*serveCommand) Help() string {
	return `Examples:
  pengbridge serve --listen 127.0.0.1:7777 --token-file tokens --ready-file ready.json
  pengbridge serve --listen unix:/run/pengbridge/api.sock --token-file tokens
  pengbridge serve --listen :7777 --token-file tokens --tls-cert cert.pem --tls-key key.pem --tls-client-ca ca.pem
  pengbridge serve --listen 127.0.0.1:7777 --token-file tokens --limit idle_timeout=5m --max-limit max_connections=1000

Limits are named as in the API: ` + strings.Join(limitNames(), ", ") + `.

SIGTERM (by hand also SIGINT and SIGHUP) ends it in good order, a second one at once.

It runs on one processor as long as that is enough, else on all. GOMAXPROCS in the environment gives it a number.

Exit codes: 0 ended as asked, 1 failure, 2 wrong usage, 3 no proper parent, 4 cannot listen, 5 cut short.`
}

func (c *serveCommand) Run(s *streams) error {
	if err := c.check(); err != nil {
		return exitError{launch.ExitUsage, err}
	}
	log := launch.NewLogWriter(s.err)
	s.err, s.close = log, func() { log.Close(logFlush) } // the last message of all must not block, either
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: c.LogLevel}))
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, log)) // its own would write to stderr directly
	signals := launch.WatchSignals(c.Spawned)
	defer signals.Close()
	limitMemory(int64(c.MemoryBudget))
	defer keepToOneProcessor()()

	if c.Spawned {
		return c.spawned(s, signals, logger)
	}
	return c.attached(signals, logger)
}

// options returns the options that do not depend on how the sidecar is started.
func (c *serveCommand) options(logger *slog.Logger) sidecar.Options {
	return sidecar.Options{
		Version:        version,
		Logger:         logger,
		MaxConnections: c.MaxConnections,
		MemoryBudget:   int64(c.MemoryBudget),
		Limits:         sidecar.LimitPolicy{Default: c.Limit.limits(), Most: c.MaxLimit.limits()},
		Channelz:       c.Channelz,
	}
}

// check finds options that do not go together.
func (c *serveCommand) check() error {
	byHand := c.Listen != "" || c.TokenFile != "" || c.ReadyFile != "" || c.Metrics != "" || c.Reflection ||
		c.TLSCert != "" || c.TLSKey != "" || c.TLSClientCA != "" || c.TLSAnyClient
	switch {
	case c.Spawned && byHand:
		return errors.New("--spawned takes its instructions from stdin, not from --listen and its companions")
	case c.MaxConnections <= 0:
		return errors.New("--max-connections must be more than 0")
	case c.Spawned:
		return nil
	case c.Listen == "":
		return errors.New("say where to listen, for example: --listen 127.0.0.1:7777 --token-file tokens")
	case !canListen(c.Listen):
		return fmt.Errorf("--listen must be host:port, or unix:/path of at most %d bytes, not %q", launch.MaxSocketPath, c.Listen)
	case c.Metrics != "" && !isHostPort(c.Metrics):
		return fmt.Errorf("--metrics must be host:port, not %q", c.Metrics)
	case c.TokenFile == "":
		return errors.New("--token-file is missing: nothing is served without a token; " +
			"make one with: pengbridge token --add-to tokens")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.TLSCert == "" && (c.TLSClientCA != "" || c.TLSAnyClient):
		return errors.New("--tls-client-ca and --tls-any-client need --tls-cert and --tls-key")
	case c.TLSClientCA != "" && c.TLSAnyClient:
		return errors.New("--tls-client-ca and --tls-any-client contradict each other")
	case c.Drain <= 0 || c.Drain > launch.MaxDrain:
		return errors.New("--drain must be more than 0 and at most 60s")
	}
	return nil
}
