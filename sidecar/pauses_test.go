package sidecar

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPausesDoNotFloodTheLog: a subscriber goes back and forth at the limit, and every pause that is told is told whole.
func TestPausesDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		p := newPauses(log.logger())
		pause := func(times int) {
			for range times {
				p.tell(true)
				p.tell(false)
			}
		}
		pause(1000)
		require.Equal(t, pausesAtOnce, strings.Count(log.String(), "paused=true others_unlogged=0"))
		require.Equal(t, pausesAtOnce, strings.Count(log.String(), "paused=false"))
		time.Sleep(pauseEvery) // of the bubble's time
		pause(1)
		require.Contains(t, log.String(), "paused=true others_unlogged=990")
		require.True(t, strings.HasSuffix(strings.TrimSpace(log.String()), "paused=false others_unlogged=0"))
	})
}
