package main

import (
	_ "embed" // licenses is embedded
	"fmt"
)

// licenses are the licence texts of what is compiled into the binary: of this project, of Go, and of each module. `make
// licenses` writes them, and a test checks that they are current.
//
//go:embed licenses.txt
var licenses string

// versionCommand prints the version, or the licences of what is compiled in.
type versionCommand struct {
	Licenses bool `help:"Print the licences of everything that is compiled into the binary."`
}

func (c *versionCommand) Run(s *streams) error {
	text := version + "\n"
	if c.Licenses {
		text = licenses
	}
	_, err := fmt.Fprint(s.out, text)
	return err
}
