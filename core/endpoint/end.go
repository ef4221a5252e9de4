package endpoint

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// Stop ends the endpoint: what is queued goes out, for at most 1.5 s, the connections close, and Done is closed. It returns
// after that. On a stopped endpoint it does nothing.
func (e *Endpoint) Stop() error {
	e.end(ending{reason: e.farewell(), timeout: stopTimeout})
	<-e.done
	return nil
}

const stopTimeout = 1500 * time.Millisecond

// farewell is the reason peers get when the application gave none.
func (e *Endpoint) farewell() *string {
	if e.cfg.Side == packet.ServerSide {
		reason := session.ReasonServerShutdown
		return &reason
	}
	return nil
}

// ShutdownOptions are the reference's arguments of Server.shutdown.
type ShutdownOptions struct {
	Reason  *string       // nil: "servershutdown" from a server, None from a client
	Join    bool          // whether Shutdown waits for the end
	Timeout time.Duration // how long peers may take to read what is queued, including the reason. 0: 1.5 s
}

// ShutdownResult says how the connections ended.
type ShutdownResult struct {
	Delivered int // took everything, including the reason
	Cut       int // were closed with something still queued
}

// Shutdown ends the endpoint and tells every peer why. With Join it returns when all has ended; if ctx ends first, it returns
// ctx's error, and the shutdown goes on. On a stopped endpoint it does nothing, but waits all the same. Errors:
// *packet.InvalidError, those of ctx.
func (e *Endpoint) Shutdown(ctx context.Context, opts ShutdownOptions) (ShutdownResult, error) {
	if err := checkReason(opts.Reason); err != nil {
		return ShutdownResult{}, err
	}
	if opts.Timeout < 0 {
		return ShutdownResult{}, &packet.InvalidError{Field: "timeout", Problem: "must not be negative"}
	}
	if opts.Reason == nil {
		opts.Reason = e.farewell()
	}
	how := ending{reason: opts.Reason, timeout: opts.Timeout, shutdown: &opts}
	fill(&how.timeout, stopTimeout)
	e.end(how)
	if !opts.Join {
		return ShutdownResult{}, nil
	}
	select {
	case <-e.done:
		return e.outcome, nil
	case <-ctx.Done():
		return ShutdownResult{}, ctx.Err()
	}
}

// ending says how an endpoint is to end.
type ending struct {
	reason   *string
	timeout  time.Duration
	shutdown *ShutdownOptions // what the shutdown event reports; nil for Stop
}

// end begins the endpoint's end, once. Its goroutine ends with the endpoint: it closes done.
func (e *Endpoint) end(how ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.phase >= Stopping {
		return
	}
	begun := e.phase == Running
	e.phase = Stopping
	close(e.ending)
	go e.wind(how, begun)
}

// wind ends everything in order: nothing new comes in, the connections get their reason and their time, goroutines end,
// and the last events are reported.
func (e *Endpoint) wind(how ending, begun bool) {
	e.unlisten()
	conns := e.snapshot()
	for _, c := range conns {
		if begun {
			_ = c.close(how.reason, "the endpoint ends") // one that is closing already will end, too
		} else {
			c.cut(how.reason, "the endpoint was never started")
		}
	}
	e.await(how.timeout)
	e.broadcasts.Wait()
	for _, c := range conns {
		if c.wasDelivered() {
			e.outcome.Delivered++
		} else {
			e.outcome.Cut++
		}
	}
	close(e.quit)
	e.janitor.Wait()
	e.budget.leave(e)

	method := "method"
	e.report(event.Event{Type: e.typ(event.ServerStop, event.ClientStop), Reason: &method})
	e.report(event.Event{Type: e.typ(event.ServerInterrupt, event.ClientInterrupt)})
	if s := how.shutdown; s != nil && e.cfg.Side == packet.ServerSide { // there is no such event for clients
		e.report(event.Event{Type: event.ServerShutdown, Reason: s.Reason, Join: s.Join, Timeout: s.Timeout})
	}
	e.mu.Lock()
	e.phase = Stopped
	e.mu.Unlock()
	close(e.done)
}

// await returns when every connection's goroutines have ended. Those that take longer than timeout are cut.
func (e *Endpoint) await(timeout time.Duration) {
	gone := make(chan struct{})
	go func() {
		e.working.Wait()
		close(gone)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-gone:
		return
	case <-timer.C:
	}
	for _, c := range e.alive() {
		c.cut(nil, "the endpoint ended before the peer had read everything")
	}
	<-gone
}

// snapshot returns the connections of this moment.
func (e *Endpoint) snapshot() []*conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	conns := make([]*conn, 0, len(e.conns))
	for _, c := range e.conns {
		conns = append(conns, c)
	}
	return conns
}

// alive returns the connections whose goroutines have not ended.
func (e *Endpoint) alive() []*conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return slices.AppendSeq(make([]*conn, 0, len(e.live)), maps.Keys(e.live))
}

func (c *conn) wasDelivered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.delivered
}
