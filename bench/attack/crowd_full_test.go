//go:build full && linux

package attack

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// workingPeers are those whose answers are timed: each asks every 50 ms, as a game does that runs at 20 Hz.
	workingPeers = 100
	workEvery    = 50 * time.Millisecond
	// phase is how long each phase is measured, of which there are rounds times two at each server.
	phase  = 3 * time.Second
	rounds = 3
)

// TestCrowd has 100 peers at work, alone and beside 10,000 idle and 1,000 hostile ones, in turns: the time in which 99 of
// 100 answers come is at most twice what it is alone. A plain server in the sidecar's place tells the machine's part in it.
// The sidecar keeps to its memory, and gives it back.
func TestCrowd(t *testing.T) {
	plain := startPlain(t)
	s := startTarget(t)
	servers := []struct {
		name    string
		workers *workers
		address string
		ratios  []float64 // of each round: beside the crowd, to alone
	}{
		{name: "a plain server", address: plain},
		{name: "the sidecar", address: s.address},
	}
	for i := range servers {
		servers[i].workers = startWorkers(t, servers[i].address, workingPeers, workEvery)
	}
	start := s.usage(t)
	var full usage
	for range rounds {
		for i := range servers {
			server := &servers[i]
			alone := measure(t, server.workers)
			r := startAttack(t, crowdName, server.address)
			r.await()
			before := s.usage(t)
			beside := measure(t, server.workers)
			full = s.usage(t)
			theirs := r.end()
			if server.address == s.address {
				require.Less(t, full.rss, s.budget(t))
				s.awaitConnections(t, workingPeers)
			}
			a, b := percentile(alone, 99), percentile(beside, 99)
			server.ratios = append(server.ratios, float64(b)/float64(a))
			t.Logf("%s: p50 %v alone, %v beside the crowd; p99 %v and %v: %.2f times; the sidecar took %v CPU in %v and has %s; the crowd %v CPU in all",
				server.name, percentile(alone, 50), percentile(beside, 50), a, b, float64(b)/float64(a),
				full.cpu-before.cpu, phase, bytesOf(full.rss), theirs)
		}
	}
	t.Logf("a plain server: %.2f; the sidecar: %.2f", servers[0].ratios, servers[1].ratios)
	// The best of the rounds, because others may use the machine; and no better than a server that does nothing.
	require.Less(t, slices.Min(servers[1].ratios), max(2, slices.Min(servers[0].ratios)))
	require.Eventually(t, func() bool { return s.usage(t).rss < start.rss+100*mib }, patience, 100*time.Millisecond)
}

// measure returns how long answers take from now on, sorted.
func measure(t *testing.T, w *workers) []time.Duration {
	t.Helper()
	w.since(t)
	time.Sleep(phase)
	took := w.since(t)
	require.NotEmpty(t, took)
	return took
}
