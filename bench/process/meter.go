//go:build linux

package process

import (
	"os"
	"runtime"
	"time"
)

// Meter measures what some processes cost between Start and Stop, how busy the caller's thread was meanwhile, and how much of
// the machine went to processes of others. Start and Stop are for one thread; the results are there after Stop.
type Meter struct {
	pids    []int
	started time.Time
	elapsed time.Duration
	before  reading
	used    reading
}

// reading is how much processor time was used: by the processes, our own, our thread, and all there are.
type reading struct {
	processes              []time.Duration
	self, thread, everyone time.Duration
}

// NewMeter returns a meter for processes.
func NewMeter(pids ...int) *Meter { return &Meter{pids: pids} }

// Start begins to measure. What was measured before is forgotten.
func (m *Meter) Start() {
	m.before = m.read()
	m.started = time.Now()
}

// Stop ends what Start began.
func (m *Meter) Stop() {
	m.elapsed = time.Since(m.started)
	now := m.read()
	m.used = reading{self: now.self - m.before.self, thread: now.thread - m.before.thread, everyone: now.everyone - m.before.everyone}
	for i, used := range now.processes {
		m.used.processes = append(m.used.processes, max(0, used-m.before.processes[i]))
	}
}

func (m *Meter) read() reading {
	r := reading{self: CPU(os.Getpid()), thread: thisThread(), everyone: everyone()}
	for _, pid := range m.pids {
		r.processes = append(r.processes, CPU(pid))
	}
	return r
}

// Elapsed is the time from Start to Stop.
func (m *Meter) Elapsed() time.Duration { return m.elapsed }

// CPU is what the i-th process used.
func (m *Meter) CPU(i int) time.Duration { return m.used.processes[i] }

// Busy is the part of the time, 0 to 1, in which the caller's thread ran.
func (m *Meter) Busy() float64 { return m.used.thread.Seconds() / m.elapsed.Seconds() }

// Others is the part of all processors' time, 0 to 1, that went to other processes than those measured and our own. The kernel
// counts in steps of 10 ms: it means something for longer measurements.
func (m *Meter) Others() float64 {
	others := m.used.everyone - m.used.self
	for _, used := range m.used.processes {
		others -= used
	}
	return min(1, max(0, others.Seconds()/m.elapsed.Seconds()/float64(runtime.NumCPU())))
}
