//go:build unix

package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// How endpoints end here, and what peers are told then.
const (
	stopReason     = "servershutdown"
	shutdownReason = "enough"
	lostReason     = "subscriberlost"
)

// closeTimeout is how long the sidecar lets a peer read what is queued before the close: this long, one whose process does not
// get the processor may seem deaf.
const closeTimeout = 5 * time.Second

// conclude brings the run to its end, and asks the oracle.
func (r *run) conclude(ctx context.Context) error {
	quiet := r.end == stopQuiet || r.end == shutdownQuiet || r.end == absent
	if quiet {
		if err := r.settle(ctx); err != nil {
			return err
		}
	} else {
		r.allow(100)
	}
	if r.end == shutdownFull {
		if err := errors.Join(r.app.hold(ctx), r.fill(ctx), r.interfere(ctx)); err != nil {
			return err
		}
	}
	for _, p := range r.peers {
		p.retire()
	}
	t := terms{recorded: r.recorded, known: !r.process, complete: true}
	var err error
	switch r.end {
	case stopQuiet, stopBusy:
		r.oracle.ends(stopReason, false)
		_, err = r.sidecar.control.API.Stop(ctx, &pb.StopRequest{EndpointId: r.endpoint})
	case shutdownQuiet, shutdownBusy:
		err = r.shutdown(ctx)
	case shutdownFull:
		err = errors.Join(r.shutdown(ctx), r.app.goOn())
	case shutdownCommand:
		r.oracle.ends(shutdownReason, true)
		err = r.app.shutdown(ctx, r.lastWords())
	case drain:
		r.oracle.ends(stopReason, true)
		err = r.sidecar.command.Process.Signal(syscall.SIGTERM)
	case absent:
		t.complete = false
		err = r.stayAway(ctx)
	case killed:
		t.complete = false
		r.oracle.ends("none", false)
		err = r.sidecar.command.Process.Kill()
	}
	if err != nil {
		return err
	}
	if t.complete {
		err = r.app.finished(ctx)
	}
	if errors.Is(err, errTail) {
		t.complete, err = false, nil
	}
	r.watcher.close()
	err = errors.Join(err, r.farewell(ctx))
	r.living.Wait() // their connections are over
	return errors.Join(err, r.oracle.verdict(t))
}

func (r *run) lastWords() *pb.EndpointShutdown {
	reason := shutdownReason
	return &pb.EndpointShutdown{Reason: &reason, Join: true, Timeout: durationpb.New(shutdownTimeout)}
}

// shutdown tells every peer why, and checks who was told by whether anything had happened to it.
func (r *run) shutdown(ctx context.Context) error {
	r.oracle.ends(shutdownReason, true)
	begun := time.Now()
	answer, err := r.sidecar.control.API.Shutdown(ctx, &pb.ShutdownRequest{EndpointId: r.endpoint, Shutdown: r.lastWords()})
	if err != nil {
		return err
	}
	if hurt := r.oracle.hurt(); int(answer.GetCut()) > hurt && time.Since(begun) < closeTimeout {
		return fmt.Errorf("%d connections were cut, only %d were broken", answer.GetCut(), hurt)
	}
	return nil
}

// stayAway lets the application be absent for longer than it may.
func (r *run) stayAway(ctx context.Context) error {
	r.oracle.ends(lostReason, false)
	if err := r.app.leave(ctx, true); err != nil {
		return err
	}
	err := eventually(ctx, "the endpoint to be given up", func() bool {
		_, err := r.info(ctx)
		return errors.Is(err, errGone)
	})
	if err != nil {
		return err
	}
	late := r.sidecar.control.Subscribe(ctx, client.SubscribeOptions{EndpointID: r.endpoint, Subscriber: r.subscriber()})
	defer late.Close()
	if _, err := late.Next(); status.Code(err) != codes.NotFound {
		return fmt.Errorf("a call that comes too late: %w", err)
	}
	return nil
}

// farewell ends the application and the sidecar, which must be empty then.
func (r *run) farewell(ctx context.Context) error {
	if r.end == killed || r.end == drain {
		err := r.app.leave(ctx, false)
		if r.end == drain {
			err = errors.Join(err, r.sidecar.await(ctx))
		}
		return err
	}
	var err error
	if r.end != absent {
		err = r.app.leave(ctx, true)
		if status.Code(err) == codes.NotFound { // its commands stream broke, and the endpoint is no more
			err = nil
		}
	}
	_, stopErr := r.sidecar.control.API.Stop(ctx, &pb.StopRequest{EndpointId: r.other.GetEndpointId()})
	err = errors.Join(err, stopErr, r.sidecar.empty(ctx))
	if r.alone {
		err = errors.Join(err, r.sidecar.end(ctx))
	}
	return err
}

func addressOf(b *pb.BindResponse) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(b.GetAddress().GetPort())))
}
