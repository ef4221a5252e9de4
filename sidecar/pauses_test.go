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

// TestAPauseThatLastsIsTold: after going back and forth at the limit the application hangs, or comes back just in time.
func TestAPauseThatLastsIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		pauses time.Duration
		ends   bool // the endpoint, early
		lines  int
	}{
		"for long":                       {pauses: 2 * pauseEvery, lines: 2},
		"not for long":                   {pauses: pauseEvery - 1},
		"beyond the end of its endpoint": {pauses: 2 * pauseEvery, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &lines{}
				p := newPauses(log.logger())
				for range pausesAtOnce + 5 {
					p.tell(true)
					p.tell(false)
				}
				before := strings.Count(log.String(), "\n")
				p.tell(true)
				if c.ends {
					p.end()
				}
				time.Sleep(c.pauses) // of the bubble's time
				synctest.Wait()
				if c.lines > 0 {
					require.Contains(t, log.String(), "paused=true others_unlogged=5")
				}
				if !c.ends {
					p.tell(false)
				}
				require.Equal(t, before+c.lines, strings.Count(log.String(), "\n"))
			})
		})
	}
}
