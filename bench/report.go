//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report is what a run has found.
type report struct {
	Machine   string      `json:"machine"`
	Began     time.Time   `json:"began"`
	Minutes   float64     `json:"minutes"` // how long it took
	Rounds    int         `json:"rounds"`
	Others    float64     `json:"others"` // part of the machine, 0 to 1, that other processes took on average
	Scenarios []*reported `json:"scenarios"`
	Goals     []judgement `json:"goals"`
}

// reported is a scenario with its results.
type reported struct {
	scenario
	Results map[contender]*result `json:"results"`
}

func newReport(rounds int, scenarios []scenario) *report {
	rep := &report{Machine: machine(), Began: time.Now().UTC().Truncate(time.Second), Rounds: rounds}
	for _, s := range scenarios {
		results := map[contender]*result{}
		for _, c := range s.Contenders {
			results[c] = &result{}
		}
		rep.Scenarios = append(rep.Scenarios, &reported{s, results})
	}
	return rep
}

// hopeless reports whether a contender never got through a scenario of the same series with less to do.
func (r *report) hopeless(s *reported, c contender) bool {
	for _, other := range r.Scenarios {
		if s.Series != "" && other.Series == s.Series && other.X < s.X && other.Results[c].gaveUp() {
			return true
		}
	}
	return false
}

// finish judges, when everything is measured.
func (r *report) finish() {
	r.Minutes = time.Since(r.Began).Minutes()
	var noise []float64
	for _, s := range r.Scenarios {
		for _, res := range s.Results {
			if took, ok := res.median(others); ok {
				noise = append(noise, took)
			}
		}
	}
	for _, took := range noise {
		r.Others += took / float64(len(noise))
	}
	for _, s := range r.Scenarios {
		for _, g := range s.Goals {
			if g.measured(s.Results) {
				r.Goals = append(r.Goals, g.judge(s.Key, s.Results))
			}
		}
	}
}

// failures returns what went wrong for other reasons than that the reference is what it is.
func (r *report) failures() (failures []string) {
	for _, s := range r.Scenarios {
		for _, c := range s.Contenders {
			if res := s.Results[c]; c != reference && res.Failed+res.Stalled > 0 {
				failures = append(failures, fmt.Sprintf("%s, %s: %s", s.Key, c, strings.Join(res.Notes, "; ")))
			}
		}
	}
	return failures
}

// write writes the report into a folder, which is made if need be.
func (r *report) write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // results are for everybody
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	for name, content := range map[string]string{"results.json": string(data) + "\n", "results.md": r.markdown()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil { //nolint:gosec // the same
			return err
		}
	}
	return nil
}

// machine describes what this runs on, as far as it matters.
func machine() string {
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo") // without it we know less
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("Linux, %d cores of an %s, %s", runtime.NumCPU(), model, runtime.Version())
}
