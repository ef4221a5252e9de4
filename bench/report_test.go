//go:build linux

package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/bench/load"
)

func TestReport(t *testing.T) {
	series := func(x int) scenario {
		return scenario{Key: "echo", Series: "echo", X: x, Metric: rate, Contenders: []contender{reference, raw}}
	}
	rep := newReport(1, []scenario{
		series(10), series(100),
		{Key: "latency", Title: "one in flight", Metric: p50, Contenders: []contender{reference, python, raw},
			Goals: []goal{
				{Text: "fast", Of: python, Metric: p50, Against: raw, AtMost: 3},
				{Text: "faster", Of: golang, Metric: p50, Against: raw, AtMost: 2}, // does not take part
			}},
	})
	ten, hundred, latency := rep.Scenarios[0], rep.Scenarios[1], rep.Scenarios[2]
	require.False(t, rep.hopeless(hundred, reference))
	ten.Results[reference].add(nil, "", load.ErrStalled)
	ten.Results[raw].add(figures{rate: 100, generatorBusy: 0.99}, "", nil)
	require.True(t, rep.hopeless(hundred, reference), "it stalled with ten already")
	require.False(t, rep.hopeless(hundred, raw))
	require.False(t, rep.hopeless(latency, reference), "that is something else")

	latency.Results[reference].add(nil, "", load.ErrStalled)
	require.Empty(t, rep.failures(), "the reference is what it is")
	latency.Results[python].add(nil, "", errors.New("no such file"))
	require.Equal(t, []string{"latency, python: no such file"}, rep.failures())

	latency.Results[python].add(figures{p50: 40, others: 0.5}, "slowly", nil)
	latency.Results[raw].add(figures{p50: 10, others: 0.1, sidecarCPU: 2, appCPU: 1}, "", nil)
	rep.finish()
	require.InDelta(t, 0.3, rep.Others, 1e-9)
	require.Equal(t, []judgement{{Goal: "fast", Scenario: "latency", Of: python, Asked: "<= 3.00 x raw", Got: 4}}, rep.Goals)

	page := rep.markdown()
	for _, part := range []string{
		"other processes took 30 % of the machine",
		"| one in flight | latency | us   | stalled   | 40.0               |                | 10.0   |",
		"1.00 + 2.00 us",
		"| fast | latency  | python | <= 3.00 x raw | 4.00  | **no**  |",
		"## How cost grows: echo",
		">= 100",
		"- latency, python: slowly",
		"the load generator was busy nearly all the time",
	} {
		require.Contains(t, page, part)
	}
}
