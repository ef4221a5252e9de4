//go:build linux

package main

import "time"

// sizes say how much is measured.
type sizes struct {
	Rounds      int           // of which the median counts
	Warmup      time.Duration // before a measurement
	Duration    time.Duration // of a measurement
	Patience    time.Duration // for a reference that does not do anything: it often hangs
	Trial       time.Duration // for everything with one server
	Handshakes  int           // connections that are made at a time
	Broadcasts  int           // in a measurement; there is one more for warming up
	Connections []int         // for scenarios that depend on their number; the last is what "many" means
	Bodies      []int         // for scenarios that depend on their size, in bytes
}

// full is what is published.
var full = sizes{
	Rounds: 3, Warmup: 200 * time.Millisecond, Duration: 700 * time.Millisecond,
	Patience: 4 * time.Second, Trial: time.Minute,
	Handshakes: 250, Broadcasts: 11,
	Connections: []int{1, 10, 100, 1000, 10000},
	Bodies:      []int{16, 256, 4 << 10, 64 << 10, 1 << 20},
}

// quick is for a look while one works on something.
var quick = sizes{
	Rounds: 1, Warmup: 100 * time.Millisecond, Duration: 300 * time.Millisecond,
	Patience: 2 * time.Second, Trial: time.Minute,
	Handshakes: 100, Broadcasts: 5,
	Connections: []int{1, 100, 1000, 10000},
	Bodies:      []int{16, 4 << 10, 1 << 20},
}

// ownPatience is for servers of ours that do not do anything. They are not expected to, on however busy a machine.
const ownPatience = 20 * time.Second

// patience is how long a contender may do nothing.
func (s sizes) patience(c contender) time.Duration {
	if c == reference {
		return s.Patience
	}
	return ownPatience
}
