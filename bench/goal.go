//go:build linux

package main

import "fmt"

// goal is a figure to reach, measured in the same run: as a ratio to another one, or by itself.
type goal struct {
	Text string

	Of     contender
	Metric metric

	Against       contender // whose figure it is divided by; none: not at all
	AgainstMetric metric    // if it is another one

	AtLeast, AtMost float64 // one of them
}

// judgement is what became of a goal.
type judgement struct {
	Goal     string    `json:"goal"`
	Scenario string    `json:"scenario"`
	Of       contender `json:"of"`
	Asked    string    `json:"asked"`
	Got      float64   `json:"got,omitempty"`
	Reached  bool      `json:"reached"`
	Note     string    `json:"note,omitempty"` // why there is nothing to judge
}

// asked says what is to be reached.
func (g goal) asked() string {
	limit, sign := g.AtLeast, ">="
	if g.AtMost != 0 {
		limit, sign = g.AtMost, "<="
	}
	if g.Against == "" {
		return fmt.Sprintf("%s %s", sign, number(limit))
	}
	return fmt.Sprintf("%s %s x %s", sign, number(limit), g.Against)
}

// measured reports whether those who have to took part.
func (g goal) measured(results map[contender]*result) bool {
	return results[g.Of].tried() && (g.Against == "" || results[g.Against].tried())
}

// judge compares the figures of the contenders, by their medians. It was measured.
func (g goal) judge(scenario string, results map[contender]*result) judgement {
	j := judgement{Goal: g.Text, Scenario: scenario, Of: g.Of, Asked: g.asked()}
	of, ok := results[g.Of].median(g.Metric)
	if !ok {
		j.Note = fmt.Sprintf("%s: %s", g.Of, results[g.Of].state())
		return j
	}
	j.Got = of
	if g.Against != "" {
		name := g.Metric
		if g.AgainstMetric != "" {
			name = g.AgainstMetric
		}
		against, ok := results[g.Against].median(name)
		if !ok {
			// Whoever gets through is better than who does not, by no known factor.
			j.Got, j.Reached = 0, true
			j.Note = fmt.Sprintf("%s: %s", g.Against, results[g.Against].state())
			return j
		}
		j.Got /= against
	}
	j.Reached = j.Got >= g.AtLeast && (g.AtMost == 0 || j.Got <= g.AtMost)
	return j
}
