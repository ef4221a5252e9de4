package launch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv tells a copy of this test binary, started as if it were the sidecar, how to behave.
const childEnv = "PENGBRIDGE_TEST_CHILD"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" && os.Args[2] == "--spawned" {
		os.Exit(child(os.Getenv(childEnv)))
	}
	goleak.VerifyTestMain(m)
}

// child is a sidecar without a service: it does what the contract asks, or breaks it in the way that is asked for.
func child(behaviour string) int {
	switch behaviour {
	case "garbage":
		fmt.Println("Hello, world")
		return ExitOK
	case "silent":
		_, _ = io.Copy(io.Discard, os.Stdin)
		return ExitOK
	case "dies":
		return ExitListen
	}
	stdin, err := Stdin()
	if err != nil {
		return ExitFailure
	}
	parent, err := Accept(stdin)
	if err != nil {
		_ = WriteError(os.Stdout, err)
		return ExitLaunch
	}
	defer parent.Close()
	if behaviour == "refuses" {
		_ = WriteError(os.Stdout, errors.New("no room"))
		return ExitListen
	}
	listener, err := Listen()
	if err != nil {
		return ExitListen
	}
	_ = WriteReady(os.Stdout, Ready{APIVersion, listener.Target(), os.Getpid(), "0.0.0"})
	fmt.Fprintln(os.Stderr, "the log")
	if behaviour == "hangs" {
		select {}
	}
	<-parent.Context().Done()
	_ = listener.Close()
	return ExitOK
}
