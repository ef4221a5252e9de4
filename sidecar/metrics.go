package sidecar

// Metrics: how many calls there were and how long they took, the counters of every endpoint, and the memory of all.

import (
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/pengbridge/pengbridge/core/endpoint"
	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// measure registers the collectors and returns the server options that count calls.
func measure(registerer prometheus.Registerer, s *Sidecar) ([]grpc.ServerOption, error) {
	calls := grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram())
	memory := func(name, help string, bytes func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(bytes()) })
	}
	e := s.service.endpoints
	for _, c := range []prometheus.Collector{
		calls,
		&endpointCollector{e},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pengbridge_grpc_connections", Help: "Open connections of gRPC clients.",
		}, func() float64 { return float64(s.connections.open.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "pengbridge_grpc_connections_refused_total", Help: "Connections of gRPC clients that were refused because there were too many.",
		}, func() float64 { return float64(s.connections.refused.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "pengbridge_grpc_strangers_refused_total", Help: "Calls without a valid token that were refused unread because there were too many at once.",
		}, func() float64 { return float64(s.strangers.refused.Load()) }),
		memory("pengbridge_memory_used_bytes", "What endpoints hold for peers and in event logs, in bytes.", e.budget.Used),
		memory("pengbridge_memory_budget_bytes", "What endpoints may hold for peers and in event logs, in bytes.", e.budget.Limit),
	} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(calls.UnaryServerInterceptor()),
		grpc.ChainStreamInterceptor(calls.StreamServerInterceptor()),
	}, nil
}

// endpointCollector collects the figures of the endpoints that exist when it is asked. An endpoint's figures vanish with it, so
// that ids do not pile up.
type endpointCollector struct {
	endpoints *endpoints
}

// figures is an endpoint at one moment.
type figures struct {
	endpoint.Stats
	log eventlog.Stats
}

// endpointMetric is one figure of an endpoint.
type endpointMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*figures) float64
}

// endpointMetrics never changes.
var endpointMetrics = []endpointMetric{
	gauge("connections", "Open connections.", func(f *figures) float64 { return float64(f.Connections) }),
	counter("connections_total", "Connections made.", func(f *figures) float64 { return float64(f.ConnectionsTotal) }),
	counter("accept_errors_total", "How often the system could not hand over a connection, for example for want of file descriptors.", func(f *figures) float64 { return float64(f.AcceptErrors) }),
	counter("packets_received_total", "Packets received.", func(f *figures) float64 { return float64(f.PacketsReceived) }),
	counter("packets_sent_total", "Packets sent.", func(f *figures) float64 { return float64(f.PacketsSent) }),
	counter("received_bytes_total", "Bytes read from sockets.", func(f *figures) float64 { return float64(f.BytesReceived) }),
	counter("sent_bytes_total", "Bytes written to sockets.", func(f *figures) float64 { return float64(f.BytesSent) }),
	counter("paced_total", "How often a connection had to wait because of packets_per_second or bytes_per_second.", func(f *figures) float64 { return float64(f.Paced) }),
	counter("events_total", "Events logged.", func(f *figures) float64 { return float64(f.log.Last) }),
	gauge("backlog_bytes", "Bytes of events that wait for durable subscribers.", func(f *figures) float64 { return float64(f.log.BacklogBytes) }),
	gauge("backlog_events", "Events that wait for durable subscribers.", func(f *figures) float64 { return float64(f.log.BacklogEvents) }),
	counter("pauses_total", "How often reading was paused because of backlog_bytes or backlog_events.", func(f *figures) float64 { return float64(f.log.Pauses) }),
	counter("paused_seconds_total", "For how many seconds reading was paused.", func(f *figures) float64 { return f.log.Paused.Seconds() }),
	counter("log_full_total", "Sends that were refused because their event had no room in the log.", func(f *figures) float64 { return float64(f.LogFull) }),
	gauge("log_memory_bytes", "What the event log occupies, in bytes.", func(f *figures) float64 { return float64(f.log.MemoryBytes) }),
}

// These have a series for each reason. They never change.
var (
	closedDesc  = describe("connections_closed_total", "Connections that ended, by the limit or rule that ended them, or by who did.", "reason")
	refusedDesc = describe("connections_refused_total", "Connections that were refused at accept, by the limit that refused them.", "reason")
)

func gauge(name, help string, value func(*figures) float64) endpointMetric {
	return endpointMetric{describe(name, help), prometheus.GaugeValue, value}
}

func counter(name, help string, value func(*figures) float64) endpointMetric {
	return endpointMetric{describe(name, help), prometheus.CounterValue, value}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("pengbridge_endpoint_"+name, help, append([]string{"endpoint", "label", "side"}, labels...), nil)
}

// Describe names the metrics.
func (c *endpointCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range endpointMetrics {
		descs <- m.desc
	}
	descs <- closedDesc
	descs <- refusedDesc
}

// Collect takes each endpoint's figures.
func (c *endpointCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, h := range c.endpoints.all() {
		side := "client"
		if h.Side() == packet.ServerSide {
			side = "server"
		}
		f := figures{h.Stats(), h.log.Stats()}
		for _, m := range endpointMetrics {
			metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&f), h.id, h.label, side)
		}
		for cause, n := range f.Closed {
			metrics <- prometheus.MustNewConstMetric(closedDesc, prometheus.CounterValue, float64(n), h.id, h.label, side, cause)
		}
		for why, n := range f.Refused {
			metrics <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n), h.id, h.label, side, string(why))
		}
	}
}
