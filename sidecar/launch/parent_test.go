package launch

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wait is how long a test waits for what must happen.
const wait = 10 * time.Second

// ownHello is a hello line that names this process's real parent, so that it can be watched.
func ownHello() string {
	return fmt.Sprintf(`{"token":%q,"api_versions":["v1"],"pid":%d}`+"\n", testSecret, os.Getppid())
}

func TestAcceptUntilStdinCloses(t *testing.T) {
	stdin, parentEnd := io.Pipe()
	go func() { _, _ = io.WriteString(parentEnd, ownHello()+"and more, which is passed over\n") }()
	p, err := Accept(stdin)
	require.NoError(t, err)
	defer p.Close()
	assert.Equal(t, testSecret, p.Hello.Token)
	require.NoError(t, p.Context().Err())

	require.NoError(t, parentEnd.Close())
	awaitDone(t, p.Context())
	assert.ErrorIs(t, context.Cause(p.Context()), ErrStdinClosed)
}

func TestAcceptUntilClose(t *testing.T) {
	stdin, parentEnd := io.Pipe()
	go func() { _, _ = io.WriteString(parentEnd, ownHello()) }()
	p, err := Accept(stdin)
	require.NoError(t, err)
	p.Close() // ends both goroutines, or goleak says so
	_, err = parentEnd.Write([]byte("x"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestAcceptRefuses(t *testing.T) {
	stranger := func() int { return os.Getppid() + 1 }
	for name, c := range map[string]struct {
		line    string
		getppid func() int
		timeout time.Duration
		want    string
	}{
		"garbage":    {"hello\n", os.Getppid, wait, "not the JSON object"},
		"a stranger": {ownHello(), stranger, wait, "must start the sidecar itself"},
		"a dead pid": {ownHello(), func() int { return 1 }, wait, "process 1 started this one"},
		"silence":    {"", os.Getppid, time.Millisecond, "people want: pengbridge serve --listen"},
	} {
		t.Run(name, func(t *testing.T) {
			stdin, parentEnd := io.Pipe()
			go func() { _, _ = io.WriteString(parentEnd, c.line) }()
			_, err := accept(stdin, c.getppid, c.timeout)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestAcceptUntilTheParentEnds(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(self, "serve", "--spawned") // a process that ends with its stdin
	parent.Env = append(os.Environ(), childEnv+"=silent")
	life, err := parent.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	hello := fmt.Sprintf(`{"token":%q,"api_versions":["v1"],"pid":%d}`+"\n", testSecret, parent.Process.Pid)
	stdin, parentEnd := io.Pipe()
	go func() { _, _ = io.WriteString(parentEnd, hello) }()
	p, err := accept(stdin, func() int { return parent.Process.Pid }, wait)
	require.NoError(t, err)
	defer p.Close()
	select {
	case <-p.Gone():
		t.Fatal("it is still there")
	default:
	}

	require.NoError(t, life.Close())
	awaitDone(t, p.Context())
	assert.ErrorIs(t, context.Cause(p.Context()), ErrParentGone)
	<-p.Gone()
	require.NoError(t, parent.Wait())
}

func awaitDone(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(wait):
		t.Fatal("nothing happened")
	}
}
