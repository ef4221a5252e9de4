package endpoint

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
	"github.com/pengbridge/pengbridge/core/wire"
)

// Endpoint is what a [Server] and a [Client] have in common. All methods may be called from any goroutine at any time;
// on an ended endpoint they return ErrStopped where there is nothing sensible to do.
//
// An endpoint owns the goroutines of its connections, its listener and its janitor. Stop and Shutdown end them all; Done is
// closed when they have ended.
type Endpoint struct {
	cfg     session.Config
	limits  Limits
	sink    event.Sink
	gate    event.Gate // the sink, if it is one; else nil
	budget  *Budget    // nil: none
	tls     *tls.Config
	logger  *slog.Logger
	addr    event.Addr
	created time.Time

	// inflating has a value for each connection that inflates; see awaitInflating.
	inflating chan struct{}

	// mu guards what follows. It may be taken while a connection's lock is held, never the other way round.
	mu      sync.RWMutex
	phase   Phase
	conns   map[uint64]*conn            // those whose close was not reported yet
	live    map[*conn]struct{}          // those whose goroutines have not ended yet
	perHost map[string]int              // how many of live come from an IP address
	groups  map[string]map[uint64]*conn // by group name
	ordered atomic.Pointer[[]*conn]     // conns in order of id, made when wanted and kept until conns changes; see inOrder
	lastID  uint64

	begin      func()         // starts accepting or reading; called by Start
	unlisten   func()         // closes the listener
	working    sync.WaitGroup // the goroutines of the listener and of connections
	broadcasts sync.WaitGroup // those under way; see beginBroadcast
	ending     chan struct{}  // closed when the end begins
	quit       chan struct{}  // closed to end the janitor
	janitor    sync.WaitGroup
	done       chan struct{}
	outcome    ShutdownResult // valid once done is closed

	counters   counters
	complaints complaints
}

// newEndpoint checks the options and makes an endpoint of the given side, which is not running yet.
func newEndpoint(side packet.Side, opts *Options) (*Endpoint, error) {
	if err := opts.Limits.Validate(); err != nil {
		return nil, err
	}
	limits := opts.Limits.withDefaults()
	e := &Endpoint{
		limits:  limits,
		sink:    opts.Events,
		budget:  opts.Budget,
		tls:     opts.TLS,
		logger:  opts.Logger,
		created: time.Now(),

		complaints: newComplaints(),

		inflating: make(chan struct{}, inflaters),
		conns:     make(map[uint64]*conn),
		live:      make(map[*conn]struct{}),
		perHost:   make(map[string]int),
		groups:    make(map[string]map[uint64]*conn),
		ending:    make(chan struct{}),
		quit:      make(chan struct{}),
		done:      make(chan struct{}),
	}
	e.counters.init()
	if e.sink == nil {
		e.sink = event.Func(func(event.Event) {})
	}
	e.gate, _ = e.sink.(event.Gate)
	if e.logger == nil {
		e.logger = slog.New(slog.DiscardHandler)
	}
	return e, e.configure(side, opts)
}

// configure fills in what the connections share.
func (e *Endpoint) configure(side packet.Side, opts *Options) error {
	e.cfg.Side = side
	e.cfg.Version = opts.Version
	fill(&e.cfg.Version, session.CompatibleRelease)
	e.cfg.Limits = session.Limits{
		Packet: e.limits.MaxPacket, Handshake: e.limits.MaxHandshakePacket, Registry: e.limits.MaxRegistry,
	}
	for t := range e.cfg.Records {
		e.cfg.Records[t] = opts.Events != nil && (opts.Omit == nil || !opts.Omit(event.Type(t)))
	}
	compression := wire.DefaultCompression()
	if opts.Compression != nil {
		compression = *opts.Compression
	}
	if err := e.SetCompression(compression); err != nil {
		return err
	}
	if err := e.cfg.Conntypes.Add(opts.Conntypes...); err != nil {
		return err
	}
	return e.cfg.Registry.Change(func(t *packet.Table) (*packet.Table, error) {
		t, _, err := t.Add(opts.Packets...)
		if err != nil {
			return nil, err
		}
		return t.AddInternal(), nil
	})
}

// Start begins the work of an endpoint that was made with DeferredStart. On a running one it does nothing. The error is
// ErrStopped.
func (e *Endpoint) Start() error {
	e.mu.Lock()
	switch e.phase {
	case Running:
		e.mu.Unlock()
		return nil
	case Deferred:
		e.phase = Running
	default:
		e.mu.Unlock()
		return ErrStopped
	}
	// Under the lock, so that a concurrent Stop finds everything begun.
	e.report(event.Event{Type: e.typ(event.ServerStart, event.ClientStart)})
	e.budget.join(e)
	e.begin()
	e.janitor.Go(e.runJanitor)
	e.mu.Unlock()
	return nil
}

// Side says whether the endpoint is a server or a client.
func (e *Endpoint) Side() packet.Side { return e.cfg.Side }

// Addr returns the address a server is bound to, or the one a client was asked to connect to.
func (e *Endpoint) Addr() event.Addr { return e.addr }

// Registry returns the packet registry of this moment, ordered by id, internal packets included.
func (e *Endpoint) Registry() []event.Registered { return e.cfg.Registry.Table().Entries() }

// Done returns a channel that is closed when the endpoint has ended: its goroutines are gone, its last event was appended.
func (e *Endpoint) Done() <-chan struct{} { return e.done }

// RegisterPackets adds packet types: all of them, or none. It returns them with their ids. Peers that have completed the
// handshake do not learn of them. Errors: *packet.InvalidError, packet.ErrExists, ErrStopped.
func (e *Endpoint) RegisterPackets(types []packet.Type) ([]packet.Type, error) {
	if err := e.usable(); err != nil {
		return nil, err
	}
	var added []packet.Type
	err := e.cfg.Registry.Change(func(t *packet.Table) (*packet.Table, error) {
		var err error
		t, added, err = t.Add(types...)
		return t, err
	})
	return added, err
}

// RegisterConntypes adds connection types: all of them, or none. Errors: *packet.InvalidError, packet.ErrExists, ErrStopped.
func (e *Endpoint) RegisterConntypes(types []session.Conntype) error {
	if err := e.usable(); err != nil {
		return err
	}
	return e.cfg.Conntypes.Add(types...)
}

// SetCompression says which bodies are compressed, from the next packet on. The error is a *packet.InvalidError.
func (e *Endpoint) SetCompression(c wire.Compression) error {
	if wrong, ok := errors.AsType[*wire.SettingError](c.Validate()); ok {
		return &packet.InvalidError{Field: "compression." + wrong.Field, Problem: wrong.Problem}
	}
	e.cfg.Compression.Store(&c)
	return nil
}

// Interrupt reports an interrupt event, and does nothing else: there is no loop here that would need waking. The error is
// ErrStopped.
func (e *Endpoint) Interrupt() error {
	e.mu.RLock()
	defer e.mu.RUnlock() // after the report: an endpoint that has ended reports nothing more
	if e.phase >= Stopping {
		return ErrStopped
	}
	e.report(event.Event{Type: e.typ(event.ServerInterrupt, event.ClientInterrupt)})
	return nil
}

// usable returns ErrStopped unless the endpoint can still do something.
func (e *Endpoint) usable() error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.phase >= Stopping {
		return ErrStopped
	}
	return nil
}

// find returns a connection whose close was not reported yet.
func (e *Endpoint) find(id uint64) (*conn, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.phase >= Stopping {
		return nil, ErrStopped
	}
	if c, ok := e.conns[id]; ok {
		return c, nil
	}
	return nil, ErrUnknownConn
}

// report appends an event of the endpoint itself.
func (e *Endpoint) report(ev event.Event) {
	if e.cfg.Records[ev.Type] {
		ev.Time = time.Now()
		e.sink.Append([]event.Event{ev})
	}
}

// typ picks the event type of our side.
func (e *Endpoint) typ(server, client event.Type) event.Type {
	if e.cfg.Side == packet.ServerSide {
		return server
	}
	return client
}

// clock returns the time by which peers are judged: how long the endpoint has existed, without the time in which reading was
// paused.
func (e *Endpoint) clock() time.Duration {
	d := time.Since(e.created)
	if e.gate != nil {
		d -= e.gate.Paused()
	}
	return d
}

// connError translates a session's refusal into what the endpoint's caller sees.
func connError(err error) error {
	if errors.Is(err, session.ErrClosed) {
		return ErrUnknownConn
	}
	return err
}
