//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/pengbridge/pengbridge/bench/load"
)

// result is what a contender did in a scenario, in all rounds.
type result struct {
	Medians figures   `json:"medians,omitempty"`
	Rounds  []figures `json:"rounds,omitempty"`  // those that succeeded
	Stalled int       `json:"stalled,omitempty"` // how many of the others ended because nothing happened any more
	Failed  int       `json:"failed,omitempty"`  // and how many for another reason
	Notes   []string  `json:"notes,omitempty"`   // what a person should know
}

// add takes in what came of one round.
func (r *result) add(found figures, note string, err error) {
	switch {
	case errors.Is(err, load.ErrStalled):
		r.Stalled++
	case err != nil:
		r.Failed++
	default:
		r.Rounds = append(r.Rounds, found.rounded())
		r.Medians = medians(r.Rounds)
	}
	if err != nil {
		note = err.Error()
	}
	if note != "" && !slices.Contains(r.Notes, note) {
		r.Notes = append(r.Notes, note)
	}
}

// rounded returns the figures with four digits: there is no truth in more of them.
func (f figures) rounded() figures {
	short := figures{}
	for name, value := range f {
		short[name], _ = strconv.ParseFloat(strconv.FormatFloat(value, 'g', 4, 64), 64) // it reads what it wrote
	}
	return short
}

// medians returns the median of each metric, of the rounds in which it was measured.
func medians(rounds []figures) figures {
	values := map[metric][]float64{}
	for _, round := range rounds {
		for name, value := range round {
			values[name] = append(values[name], value)
		}
	}
	middle := figures{}
	for name, all := range values {
		slices.Sort(all)
		middle[name] = (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	}
	return middle
}

// median returns a metric's, if there is one. r may be nil.
func (r *result) median(name metric) (value float64, ok bool) {
	if r == nil || r.Medians == nil {
		return 0, false
	}
	value, ok = r.Medians[name]
	return value, ok
}

// tried reports whether the contender took part. r may be nil.
func (r *result) tried() bool { return r != nil && len(r.Rounds)+r.Stalled+r.Failed > 0 }

// gaveUp reports whether the contender took part without ever getting through. r may be nil.
func (r *result) gaveUp() bool { return r.tried() && len(r.Rounds) == 0 }

// state says in a word why a contender that took part has no figure.
func (r *result) state() string {
	if r.Failed > 0 {
		return "failed"
	}
	return "stalled"
}

// limited reports whether the load generator hardly ever waited: the result may be its own limit.
func (r *result) limited() bool {
	busy, ok := r.median(generatorBusy)
	return ok && busy > 0.95
}

// show returns the figure for a table.
func (r *result) show(name metric) string {
	value, ok := r.median(name)
	switch {
	case !r.tried():
		return ""
	case !ok:
		return r.state()
	}
	text := number(value)
	if r.limited() {
		text = ">= " + text
	}
	if r.Stalled > 0 {
		text += fmt.Sprintf(" (%d stalled)", r.Stalled)
	}
	return text
}
