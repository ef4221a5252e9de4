//go:build full && linux

package attack

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIdleMemory tells what the whole sidecar takes for each of 10,000 idle connections, as the system counts it: with
// what their handshakes left to collect. Without that it is what BenchmarkIdleMemory in core/endpoint tells.
func TestIdleMemory(t *testing.T) {
	const most = 8 << 10
	s := startTarget(t)
	before := s.usage(t).rss
	r := startAttack(t, idleName, s.address)
	r.await()
	s.awaitConnections(t, crowdIdle)
	each := (s.usage(t).rss - before) / crowdIdle
	t.Logf("%d bytes a connection", each)
	require.Less(t, each, int64(most))
	r.end()
}
