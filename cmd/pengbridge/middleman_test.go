package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// middleman stands in for an application that dies before its sidecar: it spawns one, passes its ready line on, and waits to
// be killed. With the argument "fork" it has a child that holds the sidecar's stdin open and outlives it, too; its process id
// is the second line.
func middleman() {
	stdin, write, err := os.Pipe()
	check(err)
	sidecar := exec.Command(os.Args[1], "serve", "--spawned")
	sidecar.Stdin, sidecar.Stdout, sidecar.Stderr = stdin, os.Stdout, os.Stderr
	check(sidecar.Start())
	check(json.NewEncoder(write).Encode(launch.Hello{
		Token: launch.NewSecret(), APIVersions: []string{launch.APIVersion}, PID: os.Getpid(),
	}))
	if len(os.Args) > 2 && os.Args[2] == "fork" {
		fork := exec.Command("sleep", "60")
		fork.ExtraFiles = []*os.File{write}
		check(fork.Start())
		fmt.Fprintln(os.Stderr, fork.Process.Pid)
	}
	check(sidecar.Wait())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
