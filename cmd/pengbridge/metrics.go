package main

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapeTimeout bounds each thing that a scraper may be slow with.
const scrapeTimeout = 10 * time.Second

// metricsServer hands out metrics over HTTP. The nil one hands out nothing.
type metricsServer struct {
	address  net.Addr
	registry *prometheus.Registry
	http     *http.Server
	wg       sync.WaitGroup
}

// serveMetrics serves http://address/metrics until close; for an empty address it returns nil.
func serveMetrics(address string) (*metricsServer, error) {
	if address == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m := &metricsServer{address: listener.Addr(), registry: registry, http: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: scrapeTimeout,
		WriteTimeout:      scrapeTimeout,
		IdleTimeout:       scrapeTimeout,
	}}
	m.wg.Go(func() { _ = m.http.Serve(listener) }) // until close, so the error says nothing
	return m, nil
}

// registerer returns where the service registers its metrics, or nil.
func (m *metricsServer) registerer() prometheus.Registerer {
	if m == nil {
		return nil
	}
	return m.registry
}

func (m *metricsServer) close() {
	if m != nil {
		_ = m.http.Close()
		m.wg.Wait()
	}
}
