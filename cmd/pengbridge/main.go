// Command pengbridge runs the sidecar, and has tools for people: it makes tokens, pings peng3dnet servers and shows the
// events of a running sidecar. `pengbridge --help` says how.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"google.golang.org/grpc/status"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// version is the version of the project. It is written here alone.
const version = "0.1.0"

const description = `pengbridge runs the peng3dnet network stack beside an application and hands it over as gRPC.

Examples:
  pengbridge token --add-to tokens
  pengbridge serve --listen 127.0.0.1:7777 --token-file tokens
  pengbridge tail 127.0.0.1:7777 --token-file tokens
  pengbridge ping game.example.org:8080

Programs do not use the command line: a client library starts "pengbridge serve --spawned" and talks to it by itself.`

// commands is the command line as kong reads it.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run the sidecar until it is told to end."`
	Token   tokenCommand   `cmd:"" help:"Print a new token, as a line for a token file."`
	Ping    pingCommand    `cmd:"" help:"Ask a peng3dnet server for its ping data."`
	Tail    tailCommand    `cmd:"" help:"Show the events of an endpoint of a running sidecar."`
	Health  healthCommand  `cmd:"" help:"Ask a running sidecar whether it serves, for probes."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams is where a command writes: results to out, everything else to err.
type streams struct {
	out, err io.Writer
	close    func() // waits, for a bounded time, until everything is written
}

// exitError is an error with an exit code of its own; all others exit with [launch.ExitFailure].
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	s := &streams{os.Stdout, os.Stderr, func() {}}
	defer func() { s.close() }()
	var cli commands
	parser := kong.Must(&cli,
		kong.Name("pengbridge"),
		kong.Description(description),
		kong.UsageOnError(),
		kong.Writers(s.out, s.err),
		kong.Bind(s),
	)
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(s.err, "pengbridge: %v\nSee: %s --help\n", err, misused(err))
		return launch.ExitUsage
	}
	return report(s, command.Run(s))
}

// misused returns the command that was used wrongly, as far as it was recognized.
func misused(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		if node := parse.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "pengbridge"
}

// report says what went wrong, if anything, and returns the exit code.
func report(s *streams, err error) int {
	if err == nil {
		return launch.ExitOK
	}
	fmt.Fprintf(s.err, "pengbridge: %s\n", spoken(err))
	var exit exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return launch.ExitFailure
}

// spoken is an error's text for people: of what a sidecar answered, only what it said.
func spoken(err error) string {
	answer, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	if !ok {
		return err.Error()
	}
	return strings.Replace(err.Error(), answer.Error(), answer.GRPCStatus().Message(), 1)
}
