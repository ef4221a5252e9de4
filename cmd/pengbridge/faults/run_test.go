//go:build unix

package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	client "github.com/pengbridge/pengbridge/clients/go"
)

// run is one sidecar with everything around it.
type run struct {
	schedule
	fail     func(error) // ends the run
	oracle   *oracle
	sidecar  *sidecar
	alone    bool // whether the sidecar is this run's only
	endpoint string
	other    *pb.BindResponse // an endpoint nobody does anything to
	api      *proxy           // between application and sidecar
	game     *proxy           // between peers and sidecar
	app      program
	watcher  *watcher // nil: nobody watches
	peers    []*peer
	living   sync.WaitGroup // the peers
}

// perform does what a schedule says, in a sidecar that outlives it, or, if that is nil, in one of its own. It returns what was
// not as promised.
func perform(ctx context.Context, s schedule, in *sidecar) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("the run takes for ever"))
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := &run{schedule: s, oracle: newOracle(), fail: fail, sidecar: in, alone: in == nil}
	defer func() {
		err = errors.Join(err, r.oracle.err())
		if err != nil && r.sidecar != nil {
			err = fmt.Errorf("%w\nThe schedule was\n%vThings stood so\n%vThe sidecar said\n%v", err, s, r.state(), r.sidecar.log)
		}
		r.close()
	}()
	if err := r.open(ctx); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	for i, step := range s.steps {
		if err := r.take(ctx, step); err != nil {
			return fmt.Errorf("step %d (%v): %w", i+1, step.fault, err)
		}
	}
	if err := r.conclude(ctx); err != nil {
		return fmt.Errorf("ending with %v: %w", s.end, err)
	}
	return nil
}

// open starts everything.
func (r *run) open(ctx context.Context) (err error) {
	if r.alone {
		if r.sidecar, err = startSidecar(ctx, r.network); err != nil {
			return err
		}
	}
	r.other, err = r.sidecar.control.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0", Ping: &pb.PingOptions{}})
	if err != nil {
		return err
	}
	if r.api, err = newProxy(r.sidecar.address, false); err != nil {
		return err
	}
	bound, err := r.sidecar.control.API.Bind(ctx, &pb.BindRequest{Address: "127.0.0.1:0", Options: r.options()})
	if err != nil {
		return err
	}
	r.endpoint = bound.GetEndpointId()
	if r.game, err = newProxy(addressOf(bound), r.narrow); err != nil {
		return err
	}
	if err := r.startApplication(ctx); err != nil {
		return err
	}
	if r.watched {
		r.watcher = watch(ctx, r.sidecar.control, r.endpoint, r.oracle, r.fail)
	}
	for slot := range r.schedule.peers {
		p := newPeer(slot, r.game.address(), r.size, r.oracle)
		r.peers = append(r.peers, p)
		r.living.Go(p.run)
	}
	return nil
}

// startApplication starts the application, which has its place in the log then: what comes before may not be kept for it.
func (r *run) startApplication(ctx context.Context) error {
	if r.process {
		r.app = &separate{run: r}
	} else {
		r.app = newApplication(r.endpoint, r.simple, r.oracle, func(ctx context.Context) (*client.Sidecar, error) {
			return r.sidecar.attach(ctx, r.api.address())
		}, r.fail)
	}
	if err := r.app.start(ctx); err != nil {
		return err
	}
	return eventually(ctx, "the application to subscribe", func() bool {
		info, err := r.info(ctx)
		return err == nil && slices.ContainsFunc(info.GetSubscribers(), (*pb.SubscriberInfo).GetConnected)
	})
}

// options are those of the endpoint: nothing innocent comes near a timeout, however busy the machine.
func (r *run) options() *pb.EndpointOptions {
	o := &pb.EndpointOptions{
		Packets:     []*pb.Packet{{Name: "count"}, {Name: "control"}},
		Compression: &pb.Compression{Disabled: true},
		Limits: &pb.Limits{
			BacklogBytes:     r.backlog,
			SendQueueBytes:   queueBytes,
			HandshakeTimeout: durationpb.New(patience),
		},
		Events: &pb.EventOptions{ExpectedSubscriber: r.subscriber(), SubscriberGrace: durationpb.New(grace), RingBytes: r.ring},
	}
	if r.end == absent { // unknown before it came, so that the clock does not start with the endpoint
		o.Events.ExpectedSubscriber, o.Events.SubscriberGrace = "", durationpb.New(1)
	}
	if !r.recorded {
		o.Events.OmitTypes = []pb.EventType{pb.EventType_EVENT_TYPE_SERVER_CONNECTION_SEND}
	}
	return o
}

// subscriber is the application's durable name, which the library for Python chooses itself.
func (r *run) subscriber() string {
	if r.python != "" {
		return "python"
	}
	return subscriber
}

// close ends everything that still runs.
func (r *run) close() {
	for _, p := range r.peers {
		p.quit()
	}
	for _, p := range []*proxy{r.api, r.game} {
		if p != nil {
			p.close()
		}
	}
	r.living.Wait()
	if r.app != nil {
		r.app.abandon()
	}
	r.watcher.close()
	if r.alone && r.sidecar != nil {
		_ = r.sidecar.close()
	}
}

// take lets the peers send, and does what the step says in the middle of it.
func (r *run) take(ctx context.Context, s step) error {
	before := r.oracle.packets()
	r.allow(s.packets)
	part := before + int(s.after*float64(s.packets*len(r.peers)))
	err := eventually(ctx, "the part of the packets that comes before the fault", func() bool {
		return r.oracle.packets() >= part || r.arrived()
	})
	if err != nil {
		return err
	}
	return errors.Join(r.inflict(ctx, s), r.oracle.err())
}

func (r *run) allow(packets int) {
	for _, p := range r.peers {
		p.allow(packets)
	}
}

// spent reports whether peers have sent everything they may.
func (r *run) spent() bool {
	return !slices.ContainsFunc(r.peers, func(p *peer) bool { return !p.spent() })
}

// arrived reports whether, besides, everything that was sent has arrived, or never will.
func (r *run) arrived() bool {
	return r.spent() && r.oracle.settled(terms{recorded: r.recorded})
}

// settle waits until everything has arrived, and all that the application makes of it.
func (r *run) settle(ctx context.Context) error {
	if err := eventually(ctx, "everything to arrive", r.arrived); err != nil {
		return err
	}
	if err := r.app.answered(ctx); err != nil {
		return err
	}
	return eventually(ctx, "the answers to arrive", r.arrived)
}
