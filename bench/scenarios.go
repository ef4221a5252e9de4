//go:build linux

package main

import (
	"fmt"

	"github.com/pengbridge/pengbridge/bench/app"
	"github.com/pengbridge/pengbridge/bench/load"
)

// all, ours and pythons are who takes part.
var (
	all     = contenders
	ours    = []contender{python, golang, raw}
	pythons = []contender{reference, python}
)

// scenarios are what is measured, with what is to be reached.
func (s sizes) scenarios() ([]scenario, error) {
	table := s.small()
	packed, err := compressed()
	if err != nil {
		return nil, err
	}
	table = append(table, packed)
	for _, mib := range []int{1, 4, 16} {
		table = append(table, large(mib))
	}
	table = append(table, s.broadcasts()...)
	table = append(table, s.connections()...)
	return append(table, s.series()...), nil
}

// small are the scenarios of packets of 64 bytes.
func (s sizes) small() []scenario {
	small := load.Frame(app.EchoID, smallBody())
	return []scenario{
		{
			Key: "echo", Title: "echoes, one connection, best window", Metric: rate, Contenders: all,
			Measure: echoBest(small, 8, 32, 64, 256, 1024, 4096),
			Goals: []goal{
				{Text: "echo through the Python drop-in", Of: python, Metric: rate, Against: reference, AtLeast: 5},
				{Text: "Python's own CPU for each echo", Of: python, Metric: appCPU, Against: reference, AtMost: 1.0 / 3},
			},
		},
		{
			Key: "echo-100", Title: "echoes, 100 connections, one in flight each", Metric: rate, Contenders: all,
			Measure: echo(100),
			Goals: []goal{
				{Text: "100 x 1 through the Python drop-in", Of: python, Metric: rate, Against: raw, AtLeast: 0.30},
				{Text: "100 x 1 through a Go application", Of: golang, Metric: rate, Against: raw, AtLeast: 0.55},
			},
		},
		{
			Key: "latency", Title: "one echo in flight, p50", Metric: p50, Contenders: all,
			Measure: echo(1),
			Goals: []goal{
				{Text: "one in flight through a Go application, p50", Of: golang, Metric: p50, Against: raw, AtMost: 9},
				{Text: "one in flight through the Python drop-in, p50", Of: python, Metric: p50, Against: reference, AtMost: 2},
				{Text: "one in flight through the Python drop-in, p99", Of: python, Metric: p99, Against: reference, AtMost: 1},
			},
		},
		{
			Key: "latency-burn", Title: "one echo in flight, beside a thread that computes 10 ms of each frame, p50", Metric: p50,
			Contenders: pythons, Flags: []string{"--burn"}, Measure: echo(1),
			Goals: []goal{
				{Text: "one in flight beside a busy thread, p50", Of: python, Metric: p50, Against: reference, AtMost: 2},
				{Text: "one in flight beside a busy thread, p99", Of: python, Metric: p99, Against: reference, AtMost: 1},
			},
		},
		{
			Key: "deliver", Title: "packets delivered to a handler", Metric: rate, Contenders: all,
			Measure: deliver(load.Frame(app.SinkID, smallBody())),
			Goals: []goal{
				{Text: "delivered to a Python handler", Of: python, Metric: rate, Against: reference, AtLeast: 3},
				{Text: "delivered to a Python handler, a second", Of: python, Metric: rate, AtLeast: 400e3},
				{Text: "Subscribe into a Go subscriber", Of: golang, Metric: rate, Against: raw, AtLeast: 0.15},
				{Text: "the sidecar's CPU for each packet", Of: golang, Metric: sidecarCPU, Against: raw, AgainstMetric: appCPU, AtMost: 4},
			},
		},
		{
			Key: "send", Title: "packets sent by the application to one connection", Metric: rate, Contenders: all,
			Measure: flood,
			Goals: []goal{
				{Text: "send_message in Python, a second", Of: python, Metric: rate, AtLeast: 300e3},
				{Text: "Commands from Go, a second", Of: golang, Metric: rate, AtLeast: 2e6},
			},
		},
	}
}

// compressed is the scenario of bodies that zlib makes smaller.
func compressed() (scenario, error) {
	frame, err := load.Compressed(app.EchoID, compressible(32<<10))
	return scenario{
		Key: "compressed", Title: "echoes of 32 KiB, compressed, best window", Metric: rate, Contenders: all,
		Measure: echoBest(frame, 1, 4, 16),
		Goals: []goal{
			{Text: "echo of compressed 32 KiB bodies", Of: python, Metric: rate, Against: reference, AtLeast: 4},
		},
	}, err
}

// large is a scenario of large bodies. The largest packet that the sidecar takes is 16 MiB with its header.
func large(mib int) scenario {
	frame := load.Frame(app.SinkID, binary(mib<<20-frameHead))
	return scenario{
		Key: fmt.Sprintf("large-%d", mib), Title: fmt.Sprintf("bodies of %d MiB delivered to a handler, MB/s", mib),
		Metric: throughput, Contenders: all, Measure: deliver(frame),
		Goals: []goal{
			{Text: fmt.Sprintf("bodies of %d MiB, MB/s", mib), Of: python, Metric: throughput, Against: reference, AtLeast: 10},
			{Text: fmt.Sprintf("bodies of %d MiB, MB/s", mib), Of: python, Metric: throughput, Against: raw, AtLeast: 0.40},
		},
	}
}

// broadcasts are the scenarios of one packet to many. The reference cannot reach 300 connections (defect 2).
func (s sizes) broadcasts() (table []scenario) {
	const few = 200 // connections
	for _, n := range s.Connections {
		if n < 1000 {
			continue
		}
		table = append(table, scenario{
			Key: fmt.Sprintf("broadcast-%d", n), Title: fmt.Sprintf("200 bytes to %d connections, until the last has it, p50", n),
			Metric: p50, Contenders: ours, Measure: broadcast(n, false),
			Goals: []goal{
				{Text: fmt.Sprintf("broadcast() to %d", n), Of: python, Metric: p50, Against: raw, AtMost: 1.3},
				{Text: fmt.Sprintf("broadcast command to %d from Go", n), Of: golang, Metric: p50, Against: raw, AtMost: 1.3},
			},
		})
	}
	return append(table, scenario{
		Key: "broadcast-200", Title: "200 bytes to 200 connections, by broadcast() (the reference: by a loop), p50", Metric: p50,
		Contenders: all, Measure: broadcast(few, false),
		Goals: []goal{
			{Text: "broadcast() to 200", Of: python, Metric: p50, Against: reference, AtMost: 1},
		},
	}, scenario{
		Key: "loop-200", Title: "200 bytes to 200 connections, by a loop of send_message, p50", Metric: p50,
		Contenders: all, Measure: broadcast(few, true),
		Goals: []goal{
			{Text: "loop of send_message to 200", Of: python, Metric: p50, Against: reference, AtMost: 1},
		},
	})
}

// connections are the scenarios of making and having connections.
func (s sizes) connections() []scenario {
	many := s.Connections[len(s.Connections)-1]
	return []scenario{
		{
			Key: "handshake", Title: "connections made, until the application knows", Metric: rate, Contenders: all,
			Measure: handshakes,
			Goals: []goal{
				{Text: "connect, handshake and accept event", Of: python, Metric: rate, Against: reference, AtLeast: 4},
			},
		},
		{
			Key: "idle", Title: fmt.Sprintf("KiB for each of %d idle connections, where the sockets are", many), Metric: connectionKiB,
			Contenders: all, Measure: idle(many),
			Goals: []goal{
				{Text: "the sidecar's memory for an idle connection, KiB", Of: python, Metric: connectionKiB, AtMost: 5},
				{Text: "the sidecar's memory for an idle connection, KiB", Of: golang, Metric: connectionKiB, AtMost: 5},
			},
		},
	}
}

// series show how cost grows.
func (s sizes) series() (table []scenario) {
	for _, n := range s.Connections {
		table = append(table,
			scenario{Series: "echo by connections", X: n, Metric: rate, Contenders: all, Measure: echo(n)},
			scenario{Series: "broadcast by connections", X: n, Metric: p50, Contenders: ours, Measure: broadcast(n, false)},
		)
	}
	for _, size := range s.Bodies {
		table = append(table, scenario{
			Series: "echo by bytes", X: size, Metric: p50, Contenders: all, Flags: []string{"--no-compression"}, Measure: echoSize(size),
		})
	}
	for i, sc := range table {
		table[i].Key = fmt.Sprintf("%s: %d", sc.Series, sc.X)
	}
	return table
}
