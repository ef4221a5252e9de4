//go:build linux

package load

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pengbridge/pengbridge/bench/app"
)

// patience is for servers that answer; they need far less of it.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen returns a listener that ends with the test, and its port.
func listen(t *testing.T) (net.Listener, int) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener, listener.Addr().(*net.TCPAddr).Port
}

// serve runs a bare server until the test ends and returns its port.
func serve(t *testing.T) int {
	t.Helper()
	listener, port := listen(t)
	var serving sync.WaitGroup
	serving.Go(func() { _ = new(app.Raw).Serve(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return port
}

// connected returns a load of n connections.
func connected(t *testing.T, n int) *Load {
	t.Helper()
	port := serve(t)
	l, err := New(patience, time.Now().Add(3*patience))
	require.NoError(t, err)
	t.Cleanup(l.Close)
	require.NoError(t, l.Connect(port, n))
	require.NoError(t, l.AwaitConnected(Frame(app.MarkID, app.MarkBody()), n))
	return l
}

// calls counts how often a meter was started and stopped.
type calls struct{ started, stopped int }

func (c *calls) Start() { c.started++ }
func (c *calls) Stop()  { c.stopped++ }

func TestEcho(t *testing.T) {
	for name, o := range map[string]Echo{
		"one in flight":    {Window: 1, Times: true},
		"many in flight":   {Window: 500},
		"with a warmup":    {Window: 2, Warmup: time.Millisecond, Duration: time.Millisecond},
		"much in a packet": {Window: 4, Frame: Frame(app.EchoID, make([]byte, 1<<20))},
	} {
		t.Run(name, func(t *testing.T) {
			l := connected(t, 3)
			if o.Frame == nil {
				o.Frame = Frame(app.EchoID, []byte{1})
			}
			var meter calls
			count, times, err := l.Echo(o, &meter)
			require.NoError(t, err)
			require.Positive(t, count)
			require.Equal(t, calls{1, 1}, meter)
			if o.Times {
				require.Len(t, times, count)
			}
		})
	}
}

func TestDeliver(t *testing.T) {
	l := connected(t, 2)
	var meter calls
	for _, size := range []int{1, 1 << 20} {
		count, err := l.Deliver(Frame(app.SinkID, make([]byte, size)), Frame(app.MarkID, app.MarkBody()), time.Millisecond, &meter)
		require.NoError(t, err)
		require.Positive(t, count)
	}
	require.Equal(t, calls{2, 2}, meter)
}

func TestCollect(t *testing.T) {
	l := connected(t, 1)
	var meter calls
	require.NoError(t, l.Collect(Frame(app.FloodID, app.FloodBody(10000, []byte{1})), 10000, &meter))
	require.Equal(t, calls{1, 1}, meter)
}

func TestBroadcast(t *testing.T) {
	l := connected(t, 150) // more than are made at a time
	var meter calls
	times, err := l.Broadcast(Frame(app.BroadcastID, app.BroadcastBody(false, []byte{1})), 3, &meter)
	require.NoError(t, err)
	require.Len(t, times, 3)
	require.Equal(t, calls{1, 1}, meter)
}

func TestStalled(t *testing.T) {
	_, port := listen(t) // the kernel accepts, and nobody says hello
	l, err := New(10*time.Millisecond, time.Now().Add(patience))
	require.NoError(t, err)
	defer l.Close()
	err = l.Connect(port, 1)
	require.ErrorIs(t, err, ErrStalled)
	require.ErrorContains(t, err, "nothing for 10ms")
}

func TestNotInTime(t *testing.T) {
	l := connected(t, 1)
	l.deadline = time.Now()
	_, _, err := l.Echo(Echo{Frame: Frame(app.EchoID, []byte{1}), Window: 1, Duration: patience}, &calls{})
	require.ErrorIs(t, err, ErrStalled)
}

func TestServerGone(t *testing.T) {
	listener, port := listen(t)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		conn, err := listener.Accept()
		if err == nil {
			_ = conn.Close()
		}
	})
	defer accepting.Wait()
	l, err := New(patience, time.Now().Add(patience))
	require.NoError(t, err)
	defer l.Close()
	require.ErrorContains(t, l.Connect(port, 1), "closed the connection")
}
