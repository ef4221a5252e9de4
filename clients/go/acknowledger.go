package pengbridge

import (
	"context"
	"sync"
	"time"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

// lastAcknowledgement is how long Close waits for what was handled to be acknowledged.
const lastAcknowledgement = time.Second

// acknowledger tells the sidecar how far a durable subscriber has got, beside the stream and without holding it up. Whatever
// piles up while one call is under way goes into the next: acknowledgements are cumulative.
type acknowledger struct {
	api     pb.SidecarServiceClient
	request pb.AcknowledgeRequest // of the goroutine
	retry   retry
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu     sync.Mutex
	wake   chan struct{} // holds one when sequence has grown or closed was set
	upTo   uint64
	closed bool
}

// startAcknowledger starts the goroutine, which ends with close or with ctx.
func startAcknowledger(ctx context.Context, s *Sidecar, o SubscribeOptions) *acknowledger {
	ctx, cancel := context.WithCancel(ctx)
	a := &acknowledger{
		api: s.API,
		request: pb.AcknowledgeRequest{
			EndpointId:      o.EndpointID,
			Acknowledgement: &pb.Acknowledgement{Subscriber: o.Subscriber},
		},
		retry:  retry{sidecarDone: s.Done()},
		cancel: cancel,
		wake:   make(chan struct{}, 1),
	}
	a.wg.Go(func() { a.run(ctx) })
	return a
}

// handled takes note that everything up to sequence is.
func (a *acknowledger) handled(sequence uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if sequence > a.upTo {
		a.upTo = sequence
		a.signal()
	}
}

func (a *acknowledger) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *acknowledger) run(ctx context.Context) {
	for {
		select {
		case <-a.wake:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		upTo, closed := a.upTo, a.closed
		a.mu.Unlock()
		if upTo > a.request.Acknowledgement.GetSequence() && !a.acknowledge(ctx, upTo) {
			return
		}
		if closed {
			return
		}
	}
}

// acknowledge makes the call, again and again if need be. It returns false when there is no point any more: why, the stream
// tells the subscriber.
func (a *acknowledger) acknowledge(ctx context.Context, upTo uint64) bool {
	a.request.Acknowledgement.Sequence = upTo
	for {
		_, err := a.api.Acknowledge(ctx, &a.request)
		if err == nil {
			a.retry.succeeded()
			return true
		}
		if a.retry.again(ctx, err) != nil {
			return false
		}
	}
}

// close waits a moment for the last acknowledgement, and ends the goroutine.
func (a *acknowledger) close() {
	a.mu.Lock()
	a.closed = true
	a.signal()
	a.mu.Unlock()
	timer := time.AfterFunc(lastAcknowledgement, a.cancel)
	a.wg.Wait()
	timer.Stop()
	a.cancel()
}
