//go:build full

package endpoint_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/event"
)

// TestClosingADeafPeer: a peer that does not read what is queued before our close holds the close back for 5 s, and keeps
// its true reason.
func TestClosingADeafPeer(t *testing.T) {
	t.Parallel()
	server, record := listen(t, func(opts *endpoint.ServerOptions) { opts.Compression = plainOnly() })
	joinRaw(t, server)
	record.await(t, event.ServerHandshakeComplete, 1)
	require.NoError(t, server.Send(1, echo, filler(16<<20)))
	require.NotZero(t, server.Conns(0, 1)[0].Queued)
	begin := time.Now()
	require.NoError(t, server.CloseConn(1, ptr("slow")))
	require.Equal(t, "slow", text(record.await(t, event.ServerClose, 1).Reason))
	require.Greater(t, time.Since(begin), 4*time.Second)
	require.Less(t, time.Since(begin), 10*time.Second)
}
