//go:build linux

package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/bench/load"
)

// found returns a result with one round.
func found(name metric, value float64) *result {
	r := &result{}
	r.add(figures{name: value}, "", nil)
	return r
}

func TestJudge(t *testing.T) {
	stalled := &result{}
	stalled.add(nil, "", fmt.Errorf("%w: nothing for 2s", load.ErrStalled))
	results := map[contender]*result{
		reference: stalled,
		python:    found(rate, 300),
		golang:    found(sidecarCPU, 8),
		raw:       {Medians: figures{rate: 1000, appCPU: 2}, Rounds: []figures{{}}},
	}
	for name, c := range map[string]struct {
		goal    goal
		got     float64
		reached bool
		asked   string
	}{
		"at least, reached":     {goal{Of: python, Metric: rate, Against: raw, AtLeast: 0.30}, 0.3, true, ">= 0.30 x raw"},
		"at least, not reached": {goal{Of: python, Metric: rate, Against: raw, AtLeast: 0.31}, 0.3, false, ">= 0.31 x raw"},
		"at most, reached":      {goal{Of: python, Metric: rate, Against: raw, AtMost: 0.30}, 0.3, true, "<= 0.30 x raw"},
		"at most, not reached":  {goal{Of: python, Metric: rate, Against: raw, AtMost: 0.29}, 0.3, false, "<= 0.29 x raw"},
		"by itself":             {goal{Of: python, Metric: rate, AtLeast: 200}, 300, true, ">= 200"},
		"another metric":        {goal{Of: golang, Metric: sidecarCPU, Against: raw, AgainstMetric: appCPU, AtMost: 4}, 4, true, "<= 4.00 x raw"},
		"the other one stalled": {goal{Of: python, Metric: rate, Against: reference, AtLeast: 5}, 0, true, ">= 5.00 x reference"},
		"stalled itself":        {goal{Of: reference, Metric: rate, AtLeast: 5}, 0, false, ">= 5.00"},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, c.goal.measured(results))
			j := c.goal.judge("key", results)
			require.InDelta(t, c.got, j.Got, 1e-9)
			require.Equal(t, c.reached, j.Reached)
			require.Equal(t, c.asked, j.Asked)
			require.Equal(t, c.got == 0, j.Note != "")
		})
	}
	require.False(t, goal{Of: python, Against: raw}.measured(map[contender]*result{python: results[python]}))
}

func TestResult(t *testing.T) {
	r := &result{}
	require.False(t, r.tried())
	require.Empty(t, r.show(rate))
	for _, value := range []float64{30, 10, 20} {
		r.add(figures{rate: value, generatorBusy: 0.5}, "slowly", nil)
	}
	require.Equal(t, "20.0", r.show(rate))
	require.Equal(t, []string{"slowly"}, r.Notes)
	r.add(figures{rate: 1}, "", nil)
	require.Equal(t, "15.0", r.show(rate), "between the two in the middle")
	r.add(nil, "", load.ErrStalled)
	require.Equal(t, "15.0 (1 stalled)", r.show(rate))
	require.False(t, r.gaveUp())
	require.InDelta(t, 0.5, r.Medians[generatorBusy], 0, "it was not measured in each round")

	busy := found(rate, 5e6)
	busy.Medians[generatorBusy] = 0.99
	require.Equal(t, ">= 5.00 M", busy.show(rate))

	failed := &result{}
	failed.add(nil, "", errors.New("no such file"))
	require.Equal(t, "failed", failed.show(rate))
	require.True(t, failed.gaveUp())
}

func TestNumber(t *testing.T) {
	for value, text := range map[float64]string{0: "0.00", 0.333: "0.33", 12.34: "12.3", 123.4: "123", 9999: "9999", 12345: "12 k", 1.5e6: "1.50 M"} {
		require.Equal(t, text, number(value))
	}
}
