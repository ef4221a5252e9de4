package main

import (
	"errors"
	"log/slog"
	"os"

	"github.com/pengbridge/pengbridge/sidecar"
	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// spawnOwner owns the endpoints of a spawned sidecar: those of the parent, which its tools may observe.
const spawnOwner = "parent"

// spawned serves the parent process. Until it is ready, errors go to stdout as well, where the parent waits for a line.
func (c *serveCommand) spawned(s *streams, signals *launch.Signals, logger *slog.Logger) error {
	parent, err := accept()
	if err != nil {
		return refuse(s, exitError{launch.ExitLaunch, err})
	}
	defer parent.Close()
	listener, err := launch.Listen()
	if err != nil {
		return refuse(s, exitError{launch.ExitListen, err})
	}
	defer listener.Close()
	tokens, removeTokens, err := spawnTokens(parent.Hello)
	if err != nil {
		return refuse(s, exitError{launch.ExitLaunch, err})
	}
	defer removeTokens()
	options := c.options(logger)
	options.Tokens = tokens
	options.Credentials = launch.PeerCredentials(nil)
	options.Reflection = true
	options.Gone = parent.Gone()
	service, err := sidecar.New(options)
	if err != nil {
		return refuse(s, exitError{launch.ExitUsage, err})
	}
	l := life{service, listener, parent.Context(), signals.Drain(), signals.Force(), parent.Hello.Drain(), logger}
	return l.run(func() error {
		return launch.WriteReady(s.out, launch.Ready{
			APIVersion: launch.APIVersion, Address: listener.Target(), PID: os.Getpid(), Version: version,
		})
	})
}

func accept() (*launch.Parent, error) {
	stdin, err := launch.Stdin()
	if err != nil {
		return nil, err
	}
	return launch.Accept(stdin)
}

// refuse tells the parent why there will be no sidecar.
func refuse(s *streams, err error) error {
	return errors.Join(err, launch.WriteError(s.out, err))
}

// spawnTokens returns the parent's token, and a read-only one for tools if the parent has named a file for it. remove removes
// that file.
func spawnTokens(h launch.Hello) (tokens *launch.Tokens, remove func(), err error) {
	own := launch.Token{Secret: h.Token, Owner: spawnOwner}
	if h.ReadOnlyTokenFile == "" {
		return launch.NewTokens(own), func() {}, nil
	}
	tool := launch.Token{Secret: launch.NewSecret(), Owner: spawnOwner, ReadOnly: true}
	if err := launch.WriteTokenFile(h.ReadOnlyTokenFile, tool); err != nil {
		return nil, nil, err
	}
	return launch.NewTokens(own, tool), func() { _ = os.Remove(h.ReadOnlyTokenFile) }, nil
}
