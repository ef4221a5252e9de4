package eventlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decode returns the events of a batch as a client sees them.
func decode(t testing.TB, b eventlog.Batch) []*pengbridgev1.Event {
	t.Helper()
	var response pengbridgev1.SubscribeResponse
	require.NoError(t, proto.Unmarshal(b.Message(), &response))
	require.Len(t, response.GetEvents(), b.Count)
	return response.GetEvents()
}
