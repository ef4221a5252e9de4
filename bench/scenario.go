//go:build linux

package main

import (
	"slices"
	"time"

	"github.com/pengbridge/pengbridge/bench/app"
	"github.com/pengbridge/pengbridge/bench/load"
	"github.com/pengbridge/pengbridge/bench/process"
)

// metric names a figure. Its unit is in the name.
type metric string

const (
	rate          metric = "per_second"     // messages, or connections
	throughput    metric = "mb_per_second"  // of bodies
	p50           metric = "p50_us"         // half of them took no longer
	p99           metric = "p99_us"         // all but one in a hundred took no longer
	appCPU        metric = "app_cpu_us"     // of the application's process, for each message
	sidecarCPU    metric = "sidecar_cpu_us" // the same of the sidecar's
	appPeak       metric = "app_peak_mib"   // what the application's process had in memory at the most
	sidecarPeak   metric = "sidecar_peak_mib"
	connectionKiB metric = "connection_kib"     // memory for each connection, of the process that has the socket
	appConnKiB    metric = "app_connection_kib" // the same of the application's process
	window        metric = "window"             // packets in flight with which the result came about
	generatorBusy metric = "generator_busy"     // part of the time, 0 to 1, in which the load generator ran
	others        metric = "others"             // part of the machine, 0 to 1, that other processes took
)

// figures are what was measured once.
type figures map[metric]float64

// scenario is something that contenders do.
type scenario struct {
	Key        string             `json:"key"`
	Title      string             `json:"title,omitempty"`
	Metric     metric             `json:"metric"` // what the table shows
	Contenders []contender        `json:"-"`      // who takes part
	Flags      []string           `json:"-"`      // for the applications
	Measure    func(*trial) error `json:"-"`
	Goals      []goal             `json:"-"`

	// Scenarios of a series differ in X alone, and are shown as a curve.
	Series string `json:"series,omitempty"`
	X      int    `json:"x,omitempty"`
}

// trial is one measurement of one contender.
type trial struct {
	contender contender
	sizes     sizes
	server    *server
	load      *load.Load
	meter     *process.Meter
	figures   figures
	note      string // what a person should know about the figures
}

// mark asks for what was counted.
var mark = load.Frame(app.MarkID, app.MarkBody())

// connect makes n connections that the application knows of.
func (t *trial) connect(n int) error {
	if err := t.load.Connect(t.server.port, n); err != nil {
		return err
	}
	return t.load.AwaitConnected(mark, n)
}

// cost notes what the meter has found for so many messages.
func (t *trial) cost(messages int) {
	perMessage := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(messages) }
	t.figures[rate] = float64(messages) / t.meter.Elapsed().Seconds()
	t.figures[appCPU] = perMessage(t.meter.CPU(0))
	t.figures[generatorBusy], t.figures[others] = t.meter.Busy(), t.meter.Others()
	if t.server.sidecar != 0 {
		t.figures[sidecarCPU] = perMessage(t.meter.CPU(1))
	}
}

// percentiles notes how long something took.
func (t *trial) percentiles(times []time.Duration) {
	slices.Sort(times)
	at := func(part float64) float64 { return times[int(part*float64(len(times)-1))].Seconds() * 1e6 }
	t.figures[p50], t.figures[p99] = at(0.50), at(0.99)
}

// peaks notes the memory of the processes.
func (t *trial) peaks() {
	t.figures[appPeak] = float64(process.ReadMemory(t.server.app).Peak) / (1 << 20)
	if t.server.sidecar != 0 {
		t.figures[sidecarPeak] = float64(process.ReadMemory(t.server.sidecar).Peak) / (1 << 20)
	}
}
