package main

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"google.golang.org/grpc/grpclog"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// logFlush bounds waiting for the last log lines to be read.
const logFlush = 200 * time.Millisecond

// serveCommand runs the sidecar in one of two ways: for a parent that wrote a hello line (spawned.go), or for anybody with a
// token from a file (attached.go).
type serveCommand struct {
	Spawned bool `help:"Serve the parent process, which writes a hello line to stdin. For client libraries."`

	Listen    string        `placeholder:"ADDR" help:"Listen on host:port or unix:/path. Beyond loopback --tls-cert is required."`
	TokenFile string        `type:"path" placeholder:"FILE" help:"The tokens that callers need, one a line; mode 600. See: pengbridge token."`
	ReadyFile string        `type:"path" placeholder:"FILE" help:"Write address and process id there once it serves; removed at the end."`
	TLSCert   string        `name:"tls-cert" type:"path" placeholder:"FILE" help:"PEM certificate chain for gRPC."`
	TLSKey    string        `name:"tls-key" type:"path" placeholder:"FILE" help:"PEM private key of --tls-cert."`
	Metrics   string        `placeholder:"ADDR" help:"Serve Prometheus metrics on http://ADDR/metrics, to anybody who can reach it."`
	Drain     time.Duration `default:"10s" help:"How long goodbyes may take after SIGTERM (default ${default})."`

	MemoryBudget byteSize `default:"1GiB" placeholder:"SIZE" help:"What all endpoints together may hold for peers and in logs of events; the peer that holds most is closed beyond it (default ${default})."`

	Channelz bool       `help:"Serve gRPC's channelz, for looking into the transport."`
	LogLevel slog.Level `default:"info" help:"Log lines from this level up: debug, info, warn or error (default ${default})."`
}

// Help is shown by `pengbridge serve --help`.
func (*serveCommand) Help() string {
	return `Examples:
  pengbridge serve --listen 127.0.0.1:7777 --token-file tokens --ready-file ready.json
  pengbridge serve --listen unix:/run/pengbridge/api.sock --token-file tokens
  pengbridge serve --listen :7777 --token-file tokens --tls-cert cert.pem --tls-key key.pem

SIGTERM (by hand also SIGINT and SIGHUP) ends it in good order, a second one at once.

Exit codes: 0 ended as asked, 1 failure, 2 wrong usage, 3 no proper parent, 4 cannot listen, 5 cut short.`
}

func (c *serveCommand) Run(s *streams) error {
	if err := c.check(); err != nil {
		return exitError{launch.ExitUsage, err}
	}
	log := launch.NewLogWriter(s.err)
	s.err, s.close = log, func() { log.Close(logFlush) } // what is said at the very end must not block, either
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: c.LogLevel}))
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, log)) // its own would write to stderr directly
	signals := launch.WatchSignals(c.Spawned)
	defer signals.Close()
	limitMemory(int64(c.MemoryBudget))

	if c.Spawned {
		return c.spawned(s, signals, logger)
	}
	return c.attached(signals, logger)
}

// check finds options that do not go together.
func (c *serveCommand) check() error {
	byHand := c.Listen != "" || c.TokenFile != "" || c.ReadyFile != "" || c.TLSCert != "" || c.TLSKey != "" || c.Metrics != ""
	switch {
	case c.Spawned && byHand:
		return errors.New("--spawned takes its instructions from stdin, not from --listen and its companions")
	case c.Spawned:
		return nil
	case c.Listen == "":
		return errors.New("say where to listen, for example: --listen 127.0.0.1:7777 --token-file tokens")
	case c.TokenFile == "":
		return errors.New("--token-file is missing, there is no serving without a token; " +
			"make one with: pengbridge token > tokens && chmod 600 tokens")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.Drain <= 0 || c.Drain > launch.MaxDrain:
		return errors.New("--drain must be more than 0 and at most 60s")
	}
	return nil
}
