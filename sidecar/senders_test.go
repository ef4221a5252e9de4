package sidecar

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestSendersRememberTheLast64(t *testing.T) {
	var s senders
	stays := s.claim("stays", func(error) {}) // has a stream all the time
	for i := range 2 * maxSenders {
		c := s.claim(fmt.Sprint(i), func(error) {})
		c.applied = uint64(i) + 1
		s.release(c)
	}
	require.Len(t, s.byName, maxSenders+1)
	for i := range 2 * maxSenders {
		c := s.claim(fmt.Sprint(i), func(error) {})
		applied, _ := c.resume(0)
		if i < maxSenders {
			require.Zero(t, applied, "forgotten")
		} else {
			require.Equal(t, uint64(i)+1, applied)
		}
		if i >= maxSenders {
			continue // keep what is remembered claimed, so that it is not pushed out
		}
		s.mu.Lock()
		delete(s.byName, c.name)
		s.mu.Unlock()
	}
	require.Same(t, stays.sender, s.claim("stays", func(error) {}).sender)
}

func TestClaimEndsTheOlderOne(t *testing.T) {
	var s senders
	ctx, end := context.WithCancelCause(context.Background())
	older := s.claim("python", end)
	newer := s.claim("python", func(error) {})
	require.ErrorIs(t, context.Cause(ctx), errSenderTakenOver)
	s.release(older) // its stream ends late
	require.Same(t, newer, s.byName["python"].claim)
	s.release(newer)
	require.Nil(t, s.byName["python"].claim)
	require.Len(t, s.away, 1)
}

func TestNamelessSendersAreNotRemembered(t *testing.T) {
	var s senders
	a, b := s.claim("", func(error) {}), s.claim("", func(error) {})
	require.NotSame(t, a.sender, b.sender)
	s.release(a)
	require.Empty(t, s.away)
	require.Empty(t, s.byName)
}

func TestFailuresAreForgotten(t *testing.T) {
	var s sender
	for n := uint64(1); n <= 5*recentCommands; n++ {
		s.applied = n
		s.fail(&pb.CommandFailure{Number: n})
		require.LessOrEqual(t, len(s.failed), 2*recentCommands)
	}
	applied, recent := s.resume(0)
	require.Equal(t, uint64(5*recentCommands), applied)
	require.Len(t, recent, recentCommands)
	require.Equal(t, uint64(4*recentCommands+1), recent[0].GetNumber())
	s.applied += recentCommands - 1 // commands that went well count, too
	_, recent = s.resume(0)
	require.Len(t, recent, 1)
}

// TestFailuresOfThoseAwayAreBounded lets one sender after the other leave, each with all the failures it can have.
func TestFailuresOfThoseAwayAreBounded(t *testing.T) {
	var s senders
	for i := range 5 {
		c := s.claim(fmt.Sprint(i), func(error) {})
		for range recentCommands {
			c.applied++
			c.fail(&pb.CommandFailure{Number: c.applied})
		}
		s.release(c)
		require.LessOrEqual(t, s.awayFailures(), maxAwayFailures)
		require.Same(t, c.sender, s.byName[c.name], "the last to leave is remembered")
	}
	require.Len(t, s.away, maxAwayFailures/recentCommands)
	require.Len(t, s.byName, len(s.away))
}
