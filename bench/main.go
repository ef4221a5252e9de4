//go:build linux

// Command bench measures what networking costs: the reference library, pengbridge with a Python application, pengbridge with a
// Go application, and a bare Go server, side by side, in the scenarios of scenarios.go. `make bench` runs it; README.md says
// what is measured, and how.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/pengbridge/pengbridge/bench/app"
)

// commands is the command line as kong reads it.
type commands struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Measure, print tables, and write results.json and results.md."`
	Serve serveCommand `cmd:"" help:"Be one of the servers that are measured, until standard input ends."`
}

// serveCommand is how the runner starts servers of this program.
type serveCommand struct {
	Kind          string `arg:"" enum:"raw,go" help:"raw: the bare server. go: the application of a sidecar."`
	NoCompression bool   `help:"Send large bodies as they are."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var cli commands
	parser := kong.Parse(&cli, kong.Name("bench"), kong.BindTo(ctx, (*context.Context)(nil)), kong.UsageOnError(),
		kong.Vars{"contenders": strings.Join([]string{string(reference), string(python), string(golang), string(raw)}, ",")})
	parser.FatalIfErrorf(parser.Run())
}

// Run serves until standard input ends.
func (c *serveCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process, if not before
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if c.Kind == "go" {
		return c.serveGo(ctx)
	}
	return serveRaw(ctx)
}

func (c *serveCommand) serveGo(ctx context.Context) error {
	server, err := app.Bind(ctx, !c.NoCompression)
	if err != nil {
		return err
	}
	fmt.Println("listening", server.Port())
	if err := server.Serve(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func serveRaw(ctx context.Context) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	var server app.Raw
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
