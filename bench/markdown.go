//go:build linux

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// markdown shows the report as tables, for a terminal as well as for a page.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s on %s, in %.0f minutes: medians of %d. Meanwhile other processes took %.0f %% of the machine.\n",
		r.Began.Format("2006-01-02"), r.Machine, r.Minutes, r.Rounds, 100*r.Others)
	r.section(&b, "Results", r.results())
	r.section(&b, "What it costs", r.costs())
	r.section(&b, "Goals", r.goals())
	var shown []string
	for _, s := range r.Scenarios {
		if s.Series != "" && !slices.Contains(shown, s.Series) {
			shown = append(shown, s.Series)
			r.section(&b, "How cost grows: "+s.Series, r.series(s.Series))
		}
	}
	if notes := r.notes(); len(notes) > 0 {
		fmt.Fprintf(&b, "\n## Notes\n\n- %s\n", strings.Join(notes, "\n- "))
	}
	return b.String()
}

// section adds a table whose first row is its head; without other rows, nothing.
func (r *report) section(b *strings.Builder, title string, rows [][]string) {
	if len(rows) > 1 {
		fmt.Fprintf(b, "\n## %s\n\n%s", title, aligned(rows))
	}
}

// results are the main table: what each contender reached.
func (r *report) results() [][]string {
	rows := [][]string{{
		"scenario", "key", "unit", "reference", "pengbridge, Python", "pengbridge, Go", "raw Go",
		"Python : reference", "Python : raw", "Go : raw",
	}}
	for _, s := range r.Scenarios {
		if s.Series != "" {
			continue
		}
		row := []string{s.Title, s.Key, units[s.Metric]}
		for _, c := range contenders {
			row = append(row, s.Results[c].show(s.Metric))
		}
		rows = append(rows, append(row, s.ratio(python, reference), s.ratio(python, raw), s.ratio(golang, raw)))
	}
	return rows
}

// ratio returns one contender's figure divided by another's.
func (s *reported) ratio(of, against contender) string {
	a, known := s.Results[of].median(s.Metric)
	b, too := s.Results[against].median(s.Metric)
	if !known || !too || b == 0 {
		return ""
	}
	return number(a / b)
}

// costs are processor time for each message and peak memory: the application's process and, behind a plus, the sidecar's.
func (r *report) costs() [][]string {
	rows := [][]string{{"scenario", "reference", "pengbridge, Python", "pengbridge, Go", "raw Go"}}
	for _, s := range r.Scenarios {
		if s.Series != "" {
			continue
		}
		row := []string{s.Key}
		for _, c := range contenders {
			row = append(row, cost(s.Results[c]))
		}
		rows = append(rows, row)
	}
	return rows
}

func cost(r *result) string {
	var parts []string
	if cpu := sum(r, appCPU, sidecarCPU); cpu != "" {
		parts = append(parts, cpu+" us")
	}
	if memory := sum(r, appPeak, sidecarPeak); memory != "" {
		parts = append(parts, memory+" MiB")
	}
	return strings.Join(parts, ", ")
}

// sum shows what the application and the sidecar took.
func sum(r *result, application, sidecar metric) string {
	a, ok := r.median(application)
	if !ok {
		return ""
	}
	text := number(a)
	if b, ok := r.median(sidecar); ok {
		text += " + " + number(b)
	}
	return text
}

// goals are what was to be reached.
func (r *report) goals() [][]string {
	rows := [][]string{{"goal", "scenario", "of", "asked", "found", "reached"}}
	for _, j := range r.Goals {
		found, reached := number(j.Got), "**no**"
		if j.Note != "" {
			found = j.Note
		}
		if j.Reached {
			reached = "yes"
		}
		rows = append(rows, []string{j.Goal, j.Scenario, string(j.Of), j.Asked, found, reached})
	}
	return rows
}

// series is one of the tables that show how cost grows.
func (r *report) series(name string) [][]string {
	var rows [][]string
	for _, s := range r.Scenarios {
		if s.Series != name {
			continue
		}
		if rows == nil {
			rows = [][]string{{units[s.Metric], "reference", "pengbridge, Python", "pengbridge, Go", "raw Go"}}
		}
		row := []string{fmt.Sprint(s.X)}
		for _, c := range contenders {
			row = append(row, s.Results[c].show(s.Metric))
		}
		rows = append(rows, row)
	}
	return rows
}

// notes are what is to be known about figures.
func (r *report) notes() (notes []string) {
	for _, s := range r.Scenarios {
		for _, c := range s.Contenders {
			if s.Results[c].limited() {
				notes = append(notes, fmt.Sprintf("%s, %s: the load generator was busy nearly all the time, and may be the limit.", s.Key, c))
			}
			for _, note := range s.Results[c].Notes {
				notes = append(notes, fmt.Sprintf("%s, %s: %s", s.Key, c, note))
			}
		}
	}
	return notes
}

// units are how metrics are called in tables.
var units = map[metric]string{rate: "per second", throughput: "MB/s", p50: "us", connectionKiB: "KiB"}

// number shows three digits or so.
func number(value float64) string {
	switch size := math.Abs(value); {
	case size >= 1e6:
		return fmt.Sprintf("%.2f M", value/1e6)
	case size >= 1e4:
		return fmt.Sprintf("%.0f k", value/1e3)
	case size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

// aligned shows rows as a table of Markdown whose columns stand below each other.
func aligned(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", widths[i], cell)
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, width := range widths {
				b.WriteString("|" + strings.Repeat("-", width+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}
