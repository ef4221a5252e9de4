//go:build linux

package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the time a process has spent on processors, all its threads and the kernel's work for them included. 0 if there
// is no such process.
func CPU(pid int) time.Duration {
	clock := int32(^pid<<3 | 2) // a process's clock as the kernel numbers them: clock_getcpuclockid(3)
	var t unix.Timespec
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// Memory is what a process has in memory now, and had at the most, in bytes.
type Memory struct{ Resident, Peak int64 }

// ReadMemory returns a process's memory, from /proc/pid/status. Zero if there is no such process.
func ReadMemory(pid int) (m Memory) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			m.Resident = kib << 10
		case "VmHWM":
			m.Peak = kib << 10
		}
	}
	return m
}

// Children returns the processes that a process has started.
func Children(pid int) (children []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name, in parentheses, may contain anything; state and parent follow it.
		_, behind, _ := bytes.Cut(stat, []byte(") "))
		fields := strings.Fields(string(behind))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			children = append(children, child)
		}
	}
	return children
}

// thisThread returns the time that the calling thread has run. The caller has locked itself to it.
func thisThread() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// tick is the unit of /proc/stat on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// everyone returns the time that all processes have run, and the kernel for none of them.
func everyone() (used time.Duration) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, field := range strings.Fields(line) {
		// cpu, user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in user and nice
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		ticks, _ := strconv.ParseInt(field, 10, 64)
		used += time.Duration(ticks) * tick
	}
	return used
}
