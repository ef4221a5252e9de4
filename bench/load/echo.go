//go:build linux

package load

import (
	"time"
)

// Meter measures what a server does between Start and Stop. Both are called from the thread that makes the load.
type Meter interface {
	Start()
	Stop()
}

// Echo says how packets are sent that come back.
type Echo struct {
	// Frame is what is sent.
	Frame []byte
	// Window is how many of them each connection keeps under way.
	Window int
	// Warmup precedes what is counted, which takes Duration.
	Warmup, Duration time.Duration
	// Times says that each packet's time is wanted. It needs a Window of 1.
	Times bool
}

// Echo keeps packets under way on all connections. It returns how many came back while the meter ran, and the time each of
// them took if that is wanted. The meter runs until at least one has; Echo ends when all have come back.
func (l *Load) Echo(o Echo, meter Meter) (count int, times []time.Duration, err error) {
	begin := time.Now()
	if o.Times {
		times = make([]time.Duration, 0, 1<<20)
	}
	underWay, measuring, stopped := 0, false, false
	send := func(p *peer, frames int) error {
		underWay += frames
		if o.Times {
			p.sent = time.Since(begin)
		}
		return l.put(p, frames)
	}
	frames := repeat(o.Frame)
	for _, p := range l.peers {
		p.out = frames
		if err := send(p, o.Window); err != nil {
			return 0, nil, err
		}
	}
	for underWay > 0 {
		err := l.turn(func(p *peer, frames int) error {
			underWay -= frames
			if stopped {
				return nil
			}
			if measuring {
				count += frames
				if o.Times {
					times = append(times, time.Since(begin)-p.sent)
				}
			}
			return send(p, frames)
		})
		if err != nil {
			return count, times, err
		}
		switch elapsed := time.Since(begin); {
		case !measuring && elapsed >= o.Warmup:
			measuring = true
			meter.Start()
		case !stopped && elapsed >= o.Warmup+o.Duration && count > 0:
			stopped = true
			meter.Stop()
		}
	}
	return count, times, nil
}
