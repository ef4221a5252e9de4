package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/pengbridge/pengbridge/sidecar/launch"
)

// cutGrace is how long a service may take to end after its drain time, when it cuts everything. After that the process ends
// without waiting for it, as after a second signal.
const cutGrace = 500 * time.Millisecond

// service is what the sidecar is to the process around it.
type service interface {
	// Serve serves until Drain.
	Serve(net.Listener) error
	// Drain ends everything in good order, and at once when ctx ends.
	Drain(ctx context.Context) error
}

// life is the sidecar's time from its first call to its last.
type life struct {
	service  service
	listener net.Listener
	// parent is done when the process that the sidecar serves is gone; never, if the sidecar was started by hand.
	parent context.Context
	// asked is closed when a signal asks for the end, and forced when a second one does.
	asked, forced <-chan struct{}
	// drain is how long goodbyes may take.
	drain  time.Duration
	logger *slog.Logger
}

// run serves, calls ready, and returns when the sidecar was told to end and has ended. The error has the exit code.
func (l *life) run(ready func() error) error {
	served := make(chan error, 1)
	accepting := &acceptingListener{Listener: l.listener, accepting: make(chan struct{})}
	go func() { served <- l.service.Serve(accepting) }()

	select {
	case err := <-served:
		return errors.Join(errors.New("serving did not begin"), err)
	case <-accepting.accepting:
	}
	defer keepSmall()()
	if err := ready(); err != nil {
		return errors.Join(fmt.Errorf("saying that it is ready: %w", err), l.end(served))
	}
	select {
	case err := <-served:
		return errors.Join(errors.New("serving ended by itself"), err)
	case <-l.asked:
		l.logger.Info("draining", "because", "a signal asked for it", "limit", l.drain)
	case <-l.parent.Done():
		l.logger.Info("draining", "because", context.Cause(l.parent), "limit", l.drain)
	}
	return l.end(served)
}

// keepSmall starts to give memory back to the system now and then, until stop is called.
func keepSmall() (stop func()) {
	return eachTick(memoryTick, func(stopped <-chan struct{}, ticks <-chan time.Time) {
		giveBackMemory(stopped, ticks, takeFootprint, freeMemory)
	})
}

// eachTick starts a goroutine that does something at each tick, until stop is called.
func eachTick(tick time.Duration, do func(stopped <-chan struct{}, ticks <-chan time.Time)) (stop func()) {
	ticker, stopped := time.NewTicker(tick), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { do(stopped, ticker.C) })
	return func() {
		ticker.Stop()
		close(stopped)
		wg.Wait()
	}
}

// end drains the service, or cuts it off when the time is up. After a second signal it returns at once: the end of the process
// closes what is open.
func (l *life) end(served <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), l.drain)
	defer cancel()
	var err error
	drained := make(chan struct{}) // closed when err is known
	go func() {
		defer close(drained)
		err = errors.Join(l.service.Drain(ctx), <-served)
	}()

	select {
	case <-drained:
		return l.farewell(err)
	case <-ctx.Done():
		l.logger.Warn("the time for goodbyes is up: cutting everything")
		select {
		case <-drained:
		case <-l.forced:
		case <-time.After(cutGrace):
		}
	case <-l.forced:
		l.logger.Warn("a second signal: ending at once")
	}
	return exitError{launch.ExitForced, errors.New("ended before everything was delivered")}
}

// farewell says how a drain that ended by itself went.
func (l *life) farewell(err error) error {
	switch {
	case err == nil:
		l.logger.Info("ended")
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return exitError{launch.ExitForced, errors.New("ended before everything was delivered: the time for goodbyes was up")}
	default:
		return fmt.Errorf("ending: %w", err)
	}
}

// acceptingListener closes accepting when it is first asked for a connection: then the service serves, and may be drained.
type acceptingListener struct {
	net.Listener
	once      sync.Once
	accepting chan struct{}
}

func (l *acceptingListener) Accept() (net.Conn, error) {
	l.once.Do(func() { close(l.accepting) })
	return l.Listener.Accept()
}
