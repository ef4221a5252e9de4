package main

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// stuck is a service whose drain ends when it is let go, whatever it is told.
type stuck struct{ letGo chan struct{} }

func (s stuck) Serve(net.Listener) error    { return nil }
func (s stuck) Drain(context.Context) error { <-s.letGo; return nil }

// TestLifeIsCutShort: what does not end is left behind, when its time is up, or at once when a second signal comes.
func TestLifeIsCutShort(t *testing.T) {
	const drain, never = time.Second, -1
	for name, c := range map[string]struct{ forced, ends time.Duration }{
		"nobody hurries":                      {never, drain + cutGrace},
		"a second signal":                     {drain / 2, drain / 2},
		"a second signal with the first":      {0, 0},
		"a second signal while all is cut":    {drain + cutGrace/2, drain + cutGrace/2},
		"a second signal when it is too late": {2 * (drain + cutGrace), drain + cutGrace},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service, forced := stuck{make(chan struct{})}, make(chan struct{})
				l := life{service: service, forced: forced, drain: drain, logger: slog.New(slog.DiscardHandler)}
				served := make(chan error, 1)
				served <- nil
				if c.forced != never {
					time.AfterFunc(c.forced, func() { close(forced) })
					synctest.Wait()
				}
				begun := time.Now()
				err := l.end(served)
				assert.Equal(t, c.ends, time.Since(begun))
				var exit exitError
				require.ErrorAs(t, err, &exit)
				assert.Equal(t, launch.ExitForced, exit.code)
				close(service.letGo)
			})
		})
	}
}
