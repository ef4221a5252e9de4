package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// tokenCommand makes a token. It is worth something only once it is in a sidecar's token file.
type tokenCommand struct {
	Owner    string `default:"default" help:"Whose endpoints it reaches. Tokens of one owner share them."`
	ReadOnly bool   `help:"Let it observe, and nothing else."`
	AddTo    string `type:"path" placeholder:"FILE" help:"Add it to this token file, which is made with mode 600 if it is not there, and print nothing."`
}

// Help is shown by `pengbridge token --help`.
func (*tokenCommand) Help() string {
	return `Examples:
  pengbridge token --add-to tokens
  pengbridge token --add-to tokens --owner game --read-only`
}

func (c *tokenCommand) Run(s *streams) error {
	if c.Owner == "" || strings.ContainsFunc(c.Owner, func(r rune) bool { return r <= ' ' }) {
		return exitError{launch.ExitUsage, errors.New("--owner must be a word without spaces")}
	}
	token := launch.Token{Secret: launch.NewSecret(), Owner: c.Owner, ReadOnly: c.ReadOnly}
	if c.AddTo != "" {
		return launch.AddToken(c.AddTo, token)
	}
	_, err := fmt.Fprintln(s.out, launch.FormatToken(token))
	return err
}
