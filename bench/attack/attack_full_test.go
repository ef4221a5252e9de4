//go:build full && linux

package attack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAttacks runs each attack against a sidecar of its own, beside ten well-behaved peers, none of which is cut off; the
// sidecar keeps to its memory, gives it back, and has no connection left. It prints what each attack cost.
func TestAttacks(t *testing.T) {
	var table strings.Builder
	fmt.Fprintln(&table, "| attack | sent | took | its CPU | our CPU | peak memory | after | p99 of echoes | worst | p99 before |")
	fmt.Fprintln(&table, "|---|---|---|---|---|---|---|---|---|---|")
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			const good = 10
			s := startTarget(t)
			w := startWorkers(t, s.address, good, 10*time.Millisecond)
			s.awaitConnections(t, good)
			time.Sleep(quiet)
			before := w.since(t)
			s.resetPeak(t)
			start := s.usage(t)

			r := startAttack(t, a.name, s.address)
			d := r.await()
			theirs := r.end()
			s.awaitConnections(t, good)
			end := s.usage(t)
			during := w.since(t)

			limit := s.budget(t)*5/4 + 128*mib
			require.Less(t, end.peak, limit, "the budget, what the collector needs, and what is no peer's")
			var after usage
			require.Eventually(t, func() bool {
				after = s.usage(t)
				return after.rss < start.rss+100*mib
			}, patience, 100*time.Millisecond, "memory is given back")
			fmt.Fprintf(&table, "| %s | %s | %v | %v | %v | +%s | +%s | %v | %v | %v |\n", a.what,
				bytesOf(d.Sent), d.Took.Round(10*time.Millisecond), theirs.Round(10*time.Millisecond), (end.cpu - start.cpu).Round(10*time.Millisecond),
				bytesOf(end.peak-start.rss), bytesOf(max(0, after.rss-start.rss)),
				percentile(during, 99).Round(100*time.Microsecond), percentile(during, 100).Round(100*time.Microsecond), percentile(before, 99).Round(100*time.Microsecond))
		})
	}
	t.Logf("\n%s", &table)
}

const (
	mib = 1 << 20
	// quiet is how long the well-behaved peers are alone at first.
	quiet = time.Second
)

// bytesOf shows a number of bytes for people.
func bytesOf(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10*mib:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}
