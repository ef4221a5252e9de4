//go:build linux

package load

import "time"

// Collect sends a request on the first connection and takes so many packets in answer, while the meter runs.
func (l *Load) Collect(request []byte, count int, meter Meter) error {
	p := l.peers[0]
	p.out = repeat(request)
	meter.Start()
	defer meter.Stop()
	if err := l.put(p, 1); err != nil {
		return err
	}
	for left := count; left > 0; {
		err := l.turn(func(_ *peer, frames int) error {
			left -= frames
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Broadcast sends a request on the first connection, upon which each connection gets a packet, and returns how long it took
// until the last one had it. That, rounds times, one after the
// other; with an error come those that succeeded before it.
func (l *Load) Broadcast(request []byte, rounds int, meter Meter) (times []time.Duration, err error) {
	p := l.peers[0]
	p.out = repeat(request)
	meter.Start()
	defer meter.Stop()
	for range rounds {
		begin := time.Now()
		if err := l.put(p, 1); err != nil {
			return times, err
		}
		for left := len(l.peers); left > 0; {
			err := l.turn(func(_ *peer, frames int) error {
				left -= frames
				return nil
			})
			if err != nil {
				return times, err
			}
		}
		times = append(times, time.Since(begin))
	}
	return times, nil
}
