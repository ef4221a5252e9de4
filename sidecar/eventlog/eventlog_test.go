package eventlog_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// decode returns the events of a batch as a client sees them.
func decode(t testing.TB, b eventlog.Batch) []*pengbridgev1.Event {
	t.Helper()
	var response pengbridgev1.SubscribeResponse
	require.NoError(t, proto.Unmarshal(b.Data, &response))
	require.Len(t, response.GetEvents(), b.Count)
	return response.GetEvents()
}

func TestALogIsReadFromItsFirstEventToItsLast(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	l.Append([]event.Event{{Type: event.ServerInitialize, Time: time.Unix(0, 7)}, {Type: event.ServerStart}})
	c, header, err := l.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	require.NoError(t, err)
	defer c.Close()
	require.Equal(t, eventlog.Header{First: 1, Last: 2, Next: 1}, header)

	batch, err := c.Next(context.Background(), 0)
	require.NoError(t, err)
	events := decode(t, batch)
	require.Equal(t, uint64(1), events[0].GetSequence())
	require.Equal(t, uint64(7), events[0].GetTimeUnixNano())
	require.Equal(t, pengbridgev1.EventType_EVENT_TYPE_SERVER_START, events[1].GetType())

	require.NoError(t, l.Acknowledge("game", 2))
	l.Close()
	_, err = c.Next(context.Background(), 0)
	require.ErrorIs(t, err, io.EOF)
	<-l.Drained()
}
