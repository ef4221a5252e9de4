//go:build unix

package faults

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	client "github.com/pengbridge/pengbridge/clients/go"
)

// watcher observes an endpoint's log beside the application, and slows nobody. What it sees must be what the application sees,
// without gaps; it may be too slow, and is told so.
type watcher struct {
	reading sync.WaitGroup
	cancel  context.CancelFunc
}

// watch observes until the log ends, or close.
func watch(ctx context.Context, sidecar *client.Sidecar, endpoint string, o *oracle, fail func(error)) *watcher {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &watcher{cancel: cancel}
	sub := sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: endpoint})
	w.reading.Go(func() {
		defer sub.Close()
		for {
			events, err := sub.Next()
			for _, e := range events {
				o.watched(e)
			}
			switch {
			case err == nil:
			case errors.Is(err, io.EOF), ctx.Err() != nil, status.Code(err) == codes.OutOfRange, status.Code(err) == codes.NotFound:
				return
			default:
				fail(err)
				return
			}
		}
	})
	return w
}

// close ends the watching, if the log has not. A nil watcher watches nothing.
func (w *watcher) close() {
	if w != nil {
		w.cancel()
		w.reading.Wait()
	}
}
