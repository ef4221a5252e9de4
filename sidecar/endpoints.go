package sidecar

// The endpoints that live here, from the call that made one until its last event was read.

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// endpoints are the endpoints of all owners. It owns one goroutine for each (watch), which ends when the endpoint is forgotten.
// All methods may be called concurrently.
type endpoints struct {
	logger *slog.Logger
	budget *endpoint.Budget // shared by all of them
	policy LimitPolicy
	prefix string // of ids; random, so that no id is ever used again, by any process

	mu       sync.Mutex
	byID     map[string]*hosted
	last     uint64
	draining bool
	closing  chan struct{} // closed when nobody waits any more for logs to be read
	closed   sync.Once
	watchers sync.WaitGroup

	read readLogs
}

func newEndpoints(logger *slog.Logger, budget *endpoint.Budget, policy LimitPolicy) *endpoints {
	var random [8]byte
	_, _ = rand.Read(random[:]) // crypto/rand ends the process rather than fail
	return &endpoints{
		logger:  logger,
		budget:  budget,
		policy:  policy,
		prefix:  "ep_" + hex.EncodeToString(random[:]) + "_",
		byID:    make(map[string]*hosted),
		closing: make(chan struct{}),
	}
}

// host makes an endpoint: open gets its options, log included, and listens or dials.
func (e *endpoints) host(owner string, o *pb.EndpointOptions, open func(endpoint.Options) (*endpoint.Endpoint, error)) (*hosted, error) {
	limits, err := e.policy.apply(o.GetLimits())
	if err != nil {
		return nil, within("options", err)
	}
	logged, err := logOptions(o, limits)
	if err != nil {
		return nil, within("options", err)
	}
	options, err := coreOptions(o, limits)
	if err != nil {
		return nil, within("options", err)
	}
	h, err := e.reserve(owner, o.GetLabel())
	if err != nil {
		return nil, err
	}
	logger := e.logger.With("endpoint", h.id, "label", h.label)
	logged.OnLost = h.whenLost(o.GetEvents().GetLostAction(), logger)
	h.pauses = newPauses(logger)
	logged.OnPause = h.pauses.tell
	logged.OnMemory = e.budget.CountLog
	h.log = eventlog.New(logged)
	h.backlogBytes, h.backlogEvents = logged.BacklogBytes, logged.BacklogEvents
	options.Events, options.Logger, options.Budget = h.log, logger, e.budget
	if h.Endpoint, err = open(options); err != nil {
		h.letGo()
		return nil, inRequest(err)
	}
	return h, e.admit(h)
}

// inRequest makes an error of core that names one of its options name the field of the request.
func inRequest(err error) error {
	invalid, ok := errors.AsType[*packet.InvalidError](err)
	if !ok {
		return err
	}
	switch invalid.Field {
	case "address", "conntype", "wait", "ping.data": // fields of the request itself, not of its options
		return err
	}
	return within("options", err)
}

// reserve gives an endpoint its id.
func (e *endpoints) reserve(owner, label string) (*hosted, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining {
		return nil, errDraining
	}
	e.last++
	return &hosted{
		id:     fmt.Sprintf("%s%d", e.prefix, e.last),
		number: e.last,
		owner:  owner,
		label:  label,
		lost:   make(chan struct{}, 1),
	}, nil
}

// admit makes a new endpoint known, unless the sidecar has begun to drain meanwhile.
func (e *endpoints) admit(h *hosted) error {
	e.mu.Lock()
	if !e.draining {
		e.byID[h.id] = h
		e.watchers.Go(func() { e.watch(h) })
		e.mu.Unlock()
		return nil
	}
	e.mu.Unlock()
	_ = h.Stop() // its only error is that it is stopped
	h.letGo()
	return errDraining
}

// reasonSubscriberLost is the reason that peers get when the application stays away too long.
const reasonSubscriberLost = "subscriberlost"

// watch waits for an endpoint's end, or brings it about when a subscriber is lost, and then until its log is read.
func (e *endpoints) watch(h *hosted) {
	select {
	case <-h.Done():
	case <-h.lost:
		reason := reasonSubscriberLost
		// Without a deadline of its own: core bounds it.
		_, _ = h.Shutdown(context.Background(), endpoint.ShutdownOptions{Reason: &reason, Join: true})
		<-h.Done()
	}
	h.log.Close()
	select {
	case <-h.log.Drained():
		e.read.add(h)
	case <-e.closing:
	}
	h.letGo()
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.byID, h.id)
}

// get returns an owner's endpoint. To one owner, the endpoints of others do not exist.
func (e *endpoints) get(owner, id string) (*hosted, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h, ok := e.byID[id]
	if !ok || h.owner != owner {
		return nil, errUnknownEndpoint
	}
	return h, nil
}

// list returns an owner's endpoints in the order they were made.
func (e *endpoints) list(owner string) []*hosted {
	return slices.DeleteFunc(e.all(), func(h *hosted) bool { return h.owner != owner })
}

func (e *endpoints) all() []*hosted {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*hosted, 0, len(e.byID))
	for _, h := range e.byID {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *hosted) int { return cmp.Compare(a.number, b.number) })
	return all
}

// drain ends all endpoints, and lets no new one begin. Peers have until the timeout to read what is queued for them and
// the reason; then the subscribers have until ctx ends, or until gone is closed, to read the logs. What was not read in time
// is logged as a warning.
func (e *endpoints) drain(ctx context.Context, gone <-chan struct{}, timeout time.Duration) {
	e.mu.Lock()
	e.draining = true
	e.mu.Unlock()
	var ending sync.WaitGroup
	for _, h := range e.all() {
		ending.Go(func() {
			// No reason of its own: a server says "servershutdown", a client says goodbye without one.
			ended, err := h.Shutdown(ctx, endpoint.ShutdownOptions{Join: true, Timeout: timeout})
			if err != nil || ended.Cut > 0 {
				e.logger.Warn("not every peer read in time what was queued for it", "endpoint", h.id, "label", h.label)
			}
			h.log.Hasten()
			select {
			case <-h.log.Drained():
			case <-gone:
			case <-ctx.Done():
				e.logger.Warn("the last events were not read", "endpoint", h.id, "label", h.label)
			}
		})
	}
	ending.Wait()
}

// close forgets all endpoints, which must have been drained, and returns when that is done.
func (e *endpoints) close() {
	e.closed.Do(func() { close(e.closing) })
	e.watchers.Wait()
}

// isDraining reports whether nothing new may begin.
func (e *endpoints) isDraining() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draining
}
