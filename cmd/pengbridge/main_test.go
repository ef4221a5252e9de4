package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/session"
)

// wait is how long a test waits for what must happen.
const wait = 20 * time.Second

// TestMain makes the command, and a stand-in for an application, programs of their own that tests can run: copies of this
// test binary, so that the race detector looks at them, too.
func TestMain(m *testing.M) {
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // a program under the race detector takes a second to end otherwise
	}
	testscript.Main(leakChecked{m}, map[string]func(){"pengbridge": main, "middleman": middleman, "application": application})
}

// leakChecked runs the tests and looks for goroutines that they left.
type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestCommandLine runs the scripts in testdata. They find a server that answers pings at $SERVER.
func TestCommandLine(t *testing.T) {
	server, err := endpoint.Listen(t.Context(), "127.0.0.1:0", endpoint.ServerOptions{Ping: &session.PingAnswer{}})
	require.NoError(t, err)
	t.Cleanup(func() { // not deferred: the scripts run in parallel, when this function has returned
		require.NoError(t, server.Stop())
		receive(t, server.Done())
	})
	address := fmt.Sprintf("127.0.0.1:%d", server.Addr().Port)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SERVER", address)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"waitfile": waitFile},
	})
}

// waitFile waits until a file exists, or with ! until it does not.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: waitfile path")
	}
	path := ts.MkAbs(args[0])
	deadline := time.After(wait)
	for tick := time.Tick(5 * time.Millisecond); ; {
		if _, err := os.Stat(path); (err == nil) != neg {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			ts.Fatalf("%s: still waiting after %v", path, wait)
		}
	}
}

// program returns the path of a program that TestMain made.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	return path
}

func timeout(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	t.Cleanup(cancel)
	return ctx
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(wait):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}
