package eventlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// TestADepartedSubscriberHoldsUpNobody: when the process ends, and then only, whoever has said that it does not come back is
// not waited for.
func TestADepartedSubscriberHoldsUpNobody(t *testing.T) {
	for name, c := range map[string]struct {
		session string // that departs; the subscriber's is "one"
		away    bool
		returns bool // another session, before it closes
		hasty   bool
		drained bool
	}{
		"departed":                   {session: "one", away: true, hasty: true, drained: true},
		"whichever it is":            {session: "", away: true, hasty: true, drained: true},
		"while there is time":        {session: "one", away: true},
		"while it is still there":    {session: "one", hasty: true},
		"a session before it":        {session: "other", away: true, hasty: true},
		"and another one took over":  {session: "one", away: true, returns: true, hasty: true},
		"nobody said that it leaves": {session: "nobody's", away: true, hasty: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := eventlog.New(eventlog.Options{Expected: "game"})
			cursor, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Session: "one"})
			l.Append(received(3, 10))
			l.Depart(c.session, "game")
			if c.away {
				cursor.Close()
			}
			if c.returns {
				another, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging, Session: "two"})
				another.Close()
			}
			if c.hasty {
				l.Hasten()
			}
			l.Close()
			require.Equal(t, c.drained, isDrained(l))
		})
	}
}

// TestTheOthersAreStillAwaited: one that departed does not take the time of one that reads.
func TestTheOthersAreStillAwaited(t *testing.T) {
	l := eventlog.New(eventlog.Options{Expected: "game"})
	gone, _ := subscribe(t, l, eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	subscribe(t, l, eventlog.Request{Name: "recorder", Mode: eventlog.Durable})
	l.Append(received(3, 10))
	l.Depart("", "game")
	l.Depart("", "nobody")
	l.Hasten()
	l.Close()
	gone.Close()
	require.False(t, isDrained(l))
	cursor, _ := subscribe(t, l, eventlog.Request{Name: "recorder", Mode: eventlog.Durable})
	cursor.Sent(next(t, cursor))
	require.True(t, isDrained(l))
}

func isDrained(l *eventlog.Log) bool {
	select {
	case <-l.Drained():
		return true
	default:
		return false
	}
}
