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
func measure(registerer prometheus.Registerer, e *endpoints) ([]grpc.ServerOption, error) {
	calls := grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram())
	memory := func(name, help string, bytes func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(bytes()) })
	}
	for _, c := range []prometheus.Collector{
		calls,
		&endpointCollector{e},
		memory("pengbridge_memory_used_bytes", "What endpoints hold for peers and in logs of events.", e.budget.Used),
		memory("pengbridge_memory_budget_bytes", "What they may hold.", e.budget.Limit),
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

// endpointCollector shows the endpoints that there are when it is asked. Figures of an endpoint vanish with it, so that ids
// do not pile up.
type endpointCollector struct {
	endpoints *endpoints
}

// endpointMetric is one figure of an endpoint.
type endpointMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(endpoint.Stats, eventlog.Stats) float64
}

// endpointMetrics never changes.
var endpointMetrics = []endpointMetric{
	gauge("connections", "Open connections.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.Connections) }),
	counter("connections_total", "Connections made.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.ConnectionsTotal) }),
	counter("connections_refused_total", "Connections refused because of a limit.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.Refused) }),
	counter("packets_received_total", "Packets received.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.PacketsReceived) }),
	counter("packets_sent_total", "Packets sent.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.PacketsSent) }),
	counter("received_bytes_total", "Bytes read from sockets.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.BytesReceived) }),
	counter("sent_bytes_total", "Bytes written to sockets.", func(s endpoint.Stats, _ eventlog.Stats) float64 { return float64(s.BytesSent) }),
	counter("events_total", "Events logged.", func(_ endpoint.Stats, l eventlog.Stats) float64 { return float64(l.Last) }),
	gauge("backlog_bytes", "Bytes of events that wait for durable subscribers.", func(_ endpoint.Stats, l eventlog.Stats) float64 { return float64(l.BacklogBytes) }),
	gauge("backlog_events", "Events that wait for durable subscribers.", func(_ endpoint.Stats, l eventlog.Stats) float64 { return float64(l.BacklogEvents) }),
	counter("pauses_total", "How often reading was paused because of the backlog.", func(_ endpoint.Stats, l eventlog.Stats) float64 { return float64(l.Pauses) }),
	counter("paused_seconds_total", "For how long reading was paused.", func(_ endpoint.Stats, l eventlog.Stats) float64 { return l.Paused.Seconds() }),
	gauge("log_memory_bytes", "What the log of events occupies.", func(_ endpoint.Stats, l eventlog.Stats) float64 { return float64(l.MemoryBytes) }),
}

func gauge(name, help string, value func(endpoint.Stats, eventlog.Stats) float64) endpointMetric {
	return endpointMetric{describe(name, help), prometheus.GaugeValue, value}
}

func counter(name, help string, value func(endpoint.Stats, eventlog.Stats) float64) endpointMetric {
	return endpointMetric{describe(name, help), prometheus.CounterValue, value}
}

func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("pengbridge_endpoint_"+name, help, []string{"endpoint", "label", "side"}, nil)
}

// Describe names the metrics.
func (c *endpointCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range endpointMetrics {
		descs <- m.desc
	}
}

// Collect takes each endpoint's figures.
func (c *endpointCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, h := range c.endpoints.all() {
		side := "client"
		if h.Side() == packet.ServerSide {
			side = "server"
		}
		stats, logged := h.Stats(), h.log.Stats()
		for _, m := range endpointMetrics {
			metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(stats, logged), h.id, h.label, side)
		}
	}
}
