package origin

import (
	"github.com/prometheus/client_golang/prometheus"

	"tandem/internal/budget"
)

// metrics is what an origin counts; the tables below describe it.
type metrics struct {
	requests   *prometheus.CounterVec // kind, code
	bytes      *prometheus.CounterVec // kind
	digests    prometheus.Counter
	taken      *prometheus.CounterVec // result
	takenBytes prometheus.Counter
	pushes     prometheus.Gauge
	deliveries *prometheus.CounterVec // result
	datagrams  prometheus.Counter
	slow       prometheus.Counter
}

func newMetrics(reg *prometheus.Registry, connections *budget.Limiter) *metrics {
	m := &metrics{}
	for _, row := range []struct {
		to     **prometheus.CounterVec
		name   string
		help   string
		labels []string
	}{
		{&m.requests, "tandem_origin_requests_total", "Requests answered, by kind of object and class of status.", []string{"kind", "code"}},
		{&m.bytes, "tandem_origin_sent_bytes_total", "Bytes of bodies sent, by kind of object.", []string{"kind"}},
		{&m.taken, "tandem_origin_ingest_total", "Objects taken in: created, replaced, deleted, refused, failed.", []string{"result"}},
		{&m.deliveries, "tandem_origin_deliveries_total", "Objects sent to a destination that an edge named: done, failed, dropped (queue full), refused (destination not allowed).", []string{"result"}},
	} {
		*row.to = prometheus.NewCounterVec(prometheus.CounterOpts{Name: row.name, Help: row.help}, row.labels)
		reg.MustRegister(*row.to)
	}
	for _, row := range []struct {
		to   *prometheus.Counter
		name string
		help string
	}{
		{&m.digests, "tandem_origin_digests_total", "Objects read whole for their ETag."},
		{&m.takenBytes, "tandem_origin_ingest_bytes_total", "Bytes taken in."},
		{&m.datagrams, "tandem_origin_datagrams_total", "Datagrams sent to multicast groups."},
		{&m.slow, "tandem_origin_slow_clients_total", "Clients cut off because they took an answer at less than min-rate."},
	} {
		*row.to = prometheus.NewCounter(prometheus.CounterOpts{Name: row.name, Help: row.help})
		reg.MustRegister(*row.to)
	}
	m.pushes = prometheus.NewGauge(prometheus.GaugeOpts{Name: "tandem_origin_ingest_pushes", Help: "Objects that are being taken in now."})
	reg.MustRegister(
		m.pushes,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tandem_origin_connections", Help: "Connections at the listener for viewers and edges."}, func() float64 { return float64(connections.Open()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tandem_origin_connections_refused_total", Help: "Connections reset because of max-connections or max-connections-per-client."}, func() float64 { return float64(connections.Beyond()) }),
	)
	return m
}
