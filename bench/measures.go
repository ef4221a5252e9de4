//go:build linux

package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/pengbridge/pengbridge/bench/app"
	"github.com/pengbridge/pengbridge/bench/load"
	"github.com/pengbridge/pengbridge/bench/process"
)

// frameHead is what a frame has besides its body, in bytes.
const frameHead = 10

// largePatience is for large bodies, of which the reference takes a megabyte in seconds.
const largePatience = 20 * time.Second

// smallBody makes a packet of 64 bytes on the wire: a map of two numbers and a text, as games send them.
func smallBody() []byte {
	body := msgp.AppendMapHeader(nil, 3)
	body = msgp.AppendFloat64(msgp.AppendString(body, "x"), 12.5)
	body = msgp.AppendFloat64(msgp.AppendString(body, "y"), -3.25)
	body = msgp.AppendString(body, "text")
	return msgp.AppendString(body, strings.Repeat("p", 64-frameHead-len(body)-1))
}

// binary returns a body of so many bytes: one binary value.
func binary(size int) []byte {
	head := len(msgp.AppendBytes(nil, make([]byte, size))) - size
	data := make([]byte, size-head)
	for i := range data {
		data[i] = byte(i)
	}
	return msgp.AppendBytes(nil, data)
}

// compressible returns a body of so many bytes: a list of similar maps, as a game's state is.
func compressible(size int) []byte {
	const each = 64
	body := msgp.AppendArrayHeader(nil, uint32(size/each))
	for i := range size / each {
		body = msgp.AppendMapHeader(body, 3)
		body = msgp.AppendInt(msgp.AppendString(body, "entity"), 1000+i)
		body = msgp.AppendFloat64(msgp.AppendString(body, "x"), float64(i*7919%1000)/8)
		body = msgp.AppendString(msgp.AppendString(body, "state"), "walking to the market square")
	}
	return body
}

// echoOnce measures packets in flight that come back, on connections that are made before.
func (t *trial) echoOnce(frame []byte, window int, times bool) error {
	count, took, err := t.load.Echo(load.Echo{
		Frame: frame, Window: window, Warmup: t.sizes.Warmup, Duration: t.sizes.Duration, Times: times,
	}, t.meter)
	if err != nil {
		return err
	}
	t.cost(count)
	if times {
		t.percentiles(took)
	}
	return nil
}

// echo measures echoes on n connections with one packet in flight each.
func echo(n int) func(*trial) error {
	return func(t *trial) error {
		if err := t.connect(n); err != nil {
			return err
		}
		return t.echoOnce(load.Frame(app.EchoID, smallBody()), 1, n == 1)
	}
}

// echoBest measures echoes of a frame on one connection with the best of several windows. A server that stalls with one
// counts with those before.
func echoBest(frame []byte, windows ...int) func(*trial) error {
	return func(t *trial) error {
		if err := t.connect(1); err != nil {
			return err
		}
		best := figures{}
		for _, w := range windows {
			err := t.echoOnce(frame, w, false)
			if errors.Is(err, load.ErrStalled) && len(best) > 0 {
				t.note = fmt.Sprintf("stalls with %d in flight", w)
				break
			}
			if err != nil {
				return fmt.Errorf("with %d in flight: %w", w, err)
			}
			if t.figures[rate] > best[rate] {
				best = maps.Clone(t.figures)
				best[window] = float64(w)
			}
		}
		maps.Copy(t.figures, best)
		return nil
	}
}

// echoSize measures echoes of a body of so many bytes, one in flight.
func echoSize(size int) func(*trial) error {
	return func(t *trial) error {
		if err := t.connect(1); err != nil {
			return err
		}
		t.load.Patience(largePatience)
		return t.echoOnce(load.Frame(app.EchoID, binary(size)), 1, true)
	}
}

// deliver measures packets that the application receives.
func deliver(frame []byte) func(*trial) error {
	return func(t *trial) error {
		if err := t.connect(1); err != nil {
			return err
		}
		if len(frame) >= 1<<20 {
			t.load.Patience(largePatience)
		}
		if _, err := t.load.Deliver(frame, mark, t.sizes.Warmup, t.meter); err != nil {
			return err
		}
		count, err := t.load.Deliver(frame, mark, t.sizes.Duration, t.meter)
		if err != nil {
			return err
		}
		t.cost(count)
		t.figures[throughput] = t.figures[rate] * float64(len(frame)) / 1e6
		return nil
	}
}

// flood measures packets that the application sends. The first thousand show how many a measurement takes.
func flood(t *trial) error {
	if err := t.connect(1); err != nil {
		return err
	}
	collect := func(count int) error {
		return t.load.Collect(load.Frame(app.FloodID, app.FloodBody(count, smallBody())), count, t.meter)
	}
	const few = 10000
	if err := collect(few); err != nil {
		return err
	}
	count := int(few * t.sizes.Duration.Seconds() / t.meter.Elapsed().Seconds())
	if err := collect(count); err != nil {
		return err
	}
	t.cost(count)
	return nil
}

// broadcast measures how long it takes until each of n connections has a packet of 200 bytes, sent in one call for all or one
// call for each. The reference has no call for all. A server that stalls counts with what it did before.
func broadcast(n int, each bool) func(*trial) error {
	return func(t *trial) error {
		if err := t.connect(n); err != nil {
			return err
		}
		request := load.Frame(app.BroadcastID, app.BroadcastBody(each || t.contender == reference, binary(200-frameHead)))
		first, err := t.load.Broadcast(request, 1, t.meter)
		if err != nil {
			return err
		}
		times, err := t.load.Broadcast(request, t.sizes.Broadcasts, t.meter)
		if errors.Is(err, load.ErrStalled) {
			t.note = fmt.Sprintf("stalled after %d broadcasts", 1+len(times))
			t.percentiles(append(times, first...))
			return nil
		}
		if err != nil {
			return err
		}
		t.cost(n * len(times))
		t.percentiles(times)
		return nil
	}
}

// handshakes measures connections that are made, until the application knows of all: some at a time, of which the median
// counts, since the reference often stalls before it has a thousand.
func handshakes(t *trial) error {
	if err := t.connect(1); err != nil {
		return err
	}
	var batches []figures
	for i := range handshakeBatches {
		err := t.handshakeBatch((i + 1) * t.sizes.Handshakes)
		if errors.Is(err, load.ErrStalled) && i > 0 {
			t.note = fmt.Sprintf("stalls after %d connections", i*t.sizes.Handshakes)
			break
		}
		if err != nil {
			return err
		}
		batches = append(batches, maps.Clone(t.figures))
	}
	maps.Copy(t.figures, medians(batches))
	return nil
}

// handshakeBatches is how often connections are made in a measurement.
const handshakeBatches = 8

// handshakeBatch measures some connections more, after which there are so many.
func (t *trial) handshakeBatch(total int) error {
	t.meter.Start()
	err := t.load.Connect(t.server.port, t.sizes.Handshakes)
	if err == nil {
		err = t.load.AwaitConnected(mark, 1+total)
	}
	t.meter.Stop()
	t.cost(t.sizes.Handshakes)
	return err
}

// idle measures the memory of n connections that do nothing.
func idle(n int) func(*trial) error {
	return func(t *trial) error {
		if err := t.connect(1); err != nil {
			return err
		}
		holder := t.server.app
		if t.server.sidecar != 0 {
			holder = t.server.sidecar
		}
		app, held := process.ReadMemory(t.server.app), process.ReadMemory(holder)
		if err := t.load.Connect(t.server.port, n); err != nil {
			return err
		}
		if err := t.load.AwaitConnected(mark, 1+n); err != nil {
			return err
		}
		time.Sleep(t.sizes.Duration) // so that what was needed only to connect is gone
		perConnection := func(pid int, before process.Memory) float64 {
			return float64(process.ReadMemory(pid).Resident-before.Resident) / 1024 / float64(n)
		}
		t.figures[connectionKiB] = perConnection(holder, held)
		t.figures[appConnKiB] = perConnection(t.server.app, app)
		return nil
	}
}
