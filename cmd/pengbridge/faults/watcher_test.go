//go:build unix

package faults

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// watcher observes an endpoint's log beside the application, and slows nobody. What it sees must be what the application sees,
// without gaps; it may be too slow, is told so, and begins again with what is held. Its methods may be called concurrently.
type watcher struct {
	sidecar  *client.Sidecar
	endpoint string
	oracle   *oracle
	reading  sync.WaitGroup
	cancel   context.CancelFunc

	mu      sync.Mutex
	goes    chan struct{} // closed while it reads
	outrunN int           // how often it was told that it is too slow
}

// watch observes until the log ends, or close.
func watch(ctx context.Context, sidecar *client.Sidecar, endpoint string, o *oracle, fail func(error)) *watcher {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &watcher{sidecar: sidecar, endpoint: endpoint, oracle: o, cancel: cancel, goes: make(chan struct{})}
	close(w.goes)
	w.reading.Go(func() {
		for {
			err := w.read(ctx)
			switch {
			case status.Code(err) == codes.OutOfRange:
			case errors.Is(err, io.EOF), ctx.Err() != nil, status.Code(err) == codes.NotFound:
				return
			default:
				fail(err)
				return
			}
		}
	})
	return w
}

// read reads from the oldest event on until there are no more, or the watcher is too slow.
func (w *watcher) read(ctx context.Context) error {
	sub := w.sidecar.Subscribe(ctx, client.SubscribeOptions{EndpointID: w.endpoint})
	defer sub.Close()
	for {
		events, err := sub.Next() // the first call opens the stream, without which it could not be outrun
		for _, e := range events {
			w.oracle.watched(e)
		}
		if s := status.Convert(err); s.Code() == codes.OutOfRange {
			oldest, _ := strconv.ParseUint(detailOf(s).GetMetadata()["oldest"], 10, 64)
			w.oracle.outrun(oldest)
			w.mu.Lock()
			w.outrunN++
			w.mu.Unlock()
		}
		if err != nil {
			return err
		}
		w.mu.Lock()
		goes := w.goes
		w.mu.Unlock()
		select {
		case <-goes:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hold stops the reading, and returns how often the watcher was outrun so far. It goes on with goOn.
func (w *watcher) hold() (outruns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.goes = make(chan struct{})
	return w.outrunN
}

func (w *watcher) goOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.goes)
}

// outruns returns how often the watcher was told that it is too slow.
func (w *watcher) outruns() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outrunN
}

// close ends the watching, if the log has not. A nil watcher watches nothing.
func (w *watcher) close() {
	if w != nil {
		w.cancel()
		w.reading.Wait()
	}
}

// outrun lets the watcher not read until the log has let go of what it has not seen, which it must be told then.
func (r *run) outrun(ctx context.Context) error {
	err := eventually(ctx, "the watcher to come", func() bool {
		info, err := r.info(ctx)
		return err == nil && observer(info) != nil
	})
	if err != nil {
		return err
	}
	before := r.watcher.hold()
	err = eventually(ctx, "the watcher to be outrun", func() bool {
		if r.arrived() { // or the log would have to keep it
			r.allow(100)
		}
		info, err := r.info(ctx)
		if err != nil {
			return false
		}
		w := observer(info)
		if w == nil { // its stream has just ended, maybe for that very reason, or is about to begin
			r.watcher.goOn()
			r.watcher.hold()
			return r.watcher.outruns() > before
		}
		return w.GetSentSequence()+1 < info.GetFirstSequence()
	})
	r.watcher.goOn()
	if err != nil {
		return err
	}
	return eventually(ctx, "the watcher to be told", func() bool { return r.watcher.outruns() > before })
}

// observer returns the watcher's entry among the subscribers; nil if there is none.
func observer(info *pb.EndpointInfo) *pb.SubscriberInfo {
	for _, s := range info.GetSubscribers() {
		if s.GetMode() == pb.SubscriberMode_SUBSCRIBER_MODE_OBSERVER {
			return s
		}
	}
	return nil
}
