//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pengbridge/pengbridge/bench/load"
	"github.com/pengbridge/pengbridge/bench/process"
)

// runCommand is the command line of a run.
type runCommand struct {
	programs
	Quick      bool        `help:"Measure less, once: figures for a first look."`
	Scenarios  string      `default:"" placeholder:"REGEXP" help:"Measure only scenarios whose key this matches."`
	Contenders []contender `default:"${contenders}" enum:"${contenders}" help:"Measure only these."`
	Rounds     int         `help:"How often everything is measured (default: 3, with --quick 1). The median counts."`
	Profile    string      `help:"A folder for recordings of perf, of each application and its sidecar. It slows both a little."`
	Out        string      `default:"bench" help:"The folder for results.json and results.md."`
}

// Run measures, prints and writes the results.
func (c *runCommand) Run(ctx context.Context) error {
	amount := full
	if c.Quick {
		amount = quick
	}
	if c.Rounds > 0 {
		amount.Rounds = c.Rounds
	}
	pattern, err := regexp.Compile(c.Scenarios)
	if err != nil {
		return err
	}
	table, err := amount.scenarios()
	if err != nil {
		return err
	}
	r := runner{programs: c.programs, sizes: amount, profiler: profiler{c.Profile}}
	for _, s := range table {
		s.Contenders = slices.DeleteFunc(slices.Clone(s.Contenders), func(one contender) bool {
			return !slices.Contains(c.Contenders, one)
		})
		if pattern.MatchString(s.Key) && len(s.Contenders) > 0 {
			r.scenarios = append(r.scenarios, s)
		}
	}
	if len(r.scenarios) == 0 {
		return fmt.Errorf("no scenario's key matches %q, with %v", c.Scenarios, c.Contenders)
	}
	rep := r.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Print("\n", rep.markdown())
	if err := rep.write(c.Out); err != nil {
		return err
	}
	if failures := rep.failures(); len(failures) > 0 {
		return fmt.Errorf("not everything could be measured:\n%s", strings.Join(failures, "\n"))
	}
	return nil
}

// runner measures scenarios.
type runner struct {
	programs  programs
	sizes     sizes
	scenarios []scenario
	profiler  profiler
}

// run measures all scenarios, round by round: contenders take turns, so that a machine that is slower for a while is so for
// all of them. Figures show on stderr as they come. When ctx ends, so does run, after the measurement under way.
func (r *runner) run(ctx context.Context) *report {
	runtime.LockOSThread() // the generator's own time is measured
	defer runtime.UnlockOSThread()
	rep := newReport(r.sizes.Rounds, r.scenarios)
	for round := range r.sizes.Rounds {
		for _, s := range rep.Scenarios {
			fmt.Fprintf(os.Stderr, "%d/%d %-30s", round+1, r.sizes.Rounds, s.Key)
			for _, c := range s.Contenders {
				if ctx.Err() != nil {
					return rep
				}
				if rep.hopeless(s, c) {
					continue
				}
				found, note, err := r.measure(s.scenario, c)
				s.Results[c].add(found, note, err)
				fmt.Fprintf(os.Stderr, "  %s %s", c, brief(found[s.Metric], err))
			}
			fmt.Fprintln(os.Stderr)
		}
	}
	rep.finish()
	return rep
}

// brief says in a word what came of a measurement.
func brief(value float64, err error) string {
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	return number(value)
}

// measure makes one measurement of one contender, with processes of its own.
func (r *runner) measure(s scenario, c contender) (figures, string, error) {
	server, err := r.programs.start(c, s.Flags)
	if err != nil {
		return nil, "", err
	}
	t := &trial{contender: c, sizes: r.sizes, server: server, figures: figures{}, meter: process.NewMeter(server.app)}
	if server.sidecar != 0 {
		t.meter = process.NewMeter(server.app, server.sidecar)
	}
	t.load, err = load.New(r.sizes.patience(c), time.Now().Add(r.sizes.Trial))
	if err != nil {
		server.stop()
		return nil, "", err
	}
	stop, err := r.profiler.start(s, c, server)
	if err == nil {
		err = s.Measure(t)
		stop()
	}
	t.peaks()
	t.load.Close()
	server.stop()
	if complaints := server.complaints(); err != nil && complaints != "" {
		fmt.Fprintf(os.Stderr, "\n%s wrote:\n%s\n", c, complaints)
	}
	return t.figures, t.note, err
}
