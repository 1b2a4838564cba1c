package lb

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"tandem/internal/front"
	"tandem/internal/identity"
	"tandem/internal/wire"
	"tandem/lb/proxy"
	"tandem/raftfsm/placement"
)

// tally is a counter without labels.
type tally struct{ n atomic.Int64 }

func (t *tally) Inc()        { t.n.Add(1) }
func (t *tally) load() int64 { return t.n.Load() }

// counts are this balancer's figures since its start.
type counts struct {
	sent, opened, recognised, reopened, placedAnew, tokenless, broken, redirected, steered, lists tally
	slow, noisy, relieved, foreign, refusedAll, takeoversAll, overClient                          tally

	ways front.Ways

	requests  [6]prometheus.Counter // by the status's first digit
	refusals  *prometheus.CounterVec
	strangers *prometheus.CounterVec
	takeovers *prometheus.CounterVec
	gap       prometheus.Histogram
	proposals *prometheus.CounterVec
	vectors   []prometheus.Collector
}

// plain is a row of the table of metrics without labels.
type plain struct {
	name, help string
	gauge      bool
	value      func(l *LB) float64
}

func total(of func(c *counts) *tally) func(*LB) float64 {
	return func(l *LB) float64 { return float64(of(l.counts).load()) }
}

// plains is the table of a balancer's metrics without labels; those of the
// placement and of Raft are in raftfsm.
var plains = []plain{
	{"tandem_lb_sent_bytes_total", "Bytes of bodies carried to viewers.", false, total(func(c *counts) *tally { return &c.sent })},
	{"tandem_lb_loop_requests_total", "Requests relayed on an event loop, those included that a goroutine finished.", false, func(l *LB) float64 { return float64(l.counts.ways.Quick.Load()) }},
	{"tandem_lb_away_requests_total", "Requests answered by a goroutine of their own: what may wait.", false, func(l *LB) float64 { return float64(l.counts.ways.Away.Load()) }},
	{"tandem_lb_sessions_opened_total", "Sessions opened for viewers.", false, total(func(c *counts) *tally { return &c.opened })},
	{"tandem_lb_entries_recognised_total", "Requests for an entry from viewers that had a session already.", false, total(func(c *counts) *tally { return &c.recognised })},
	{"tandem_lb_sessions_reopened_total", "Viewers sent to open a new session because theirs had expired or its pair had ended.", false, total(func(c *counts) *tally { return &c.reopened })},
	{"tandem_lb_sessions_placed_anew_total", "Sessions that got another place because the edge of theirs could not take them back.", false, total(func(c *counts) *tally { return &c.placedAnew })},
	{"tandem_lb_redirected_total", "Requests for media that were sent to the edge itself (--redirect).", false, total(func(c *counts) *tally { return &c.redirected })},
	{"tandem_lb_steered_total", "Entries given with content steering (--steering).", false, total(func(c *counts) *tally { return &c.steered })},
	{"tandem_lb_steering_lists_total", "Players that asked where to fetch from.", false, total(func(c *counts) *tally { return &c.lists })},
	{"tandem_lb_loose_requests_total", "Requests served outside any session.", false, total(func(c *counts) *tally { return &c.tokenless })},
	{"tandem_lb_broken_responses_total", "Responses that were begun, could not be finished and were reset.", false, total(func(c *counts) *tally { return &c.broken })},
	{"tandem_lb_nodes_strange_total", "Connections to nodes that were ended because somebody else answered, by the certificate; Raft's included.", false, func(l *LB) float64 { return float64(identity.CountsOf(l.identity).Strange.Load()) }},
	{"tandem_lb_sealed_total", "Requests for media sent to edges with only their heads sealed (node-media plain).", false, func(l *LB) float64 { return float64(l.proxy.Sealed().Asked.Load()) }},
	{"tandem_lb_sealed_elsewhere_total", "Those of them that were asked for once more, by TLS: what the edge has not got whole, a manifest, a key that had expired, an answer that was none.", false, func(l *LB) float64 { return float64(l.proxy.Sealed().Elsewhere.Load()) }},
	{"tandem_lb_sealed_altered_total", "Answers to them whose head was not the edge's: somebody in between has changed it, or has put another one in its place.", false, func(l *LB) float64 { return float64(l.proxy.Sealed().Altered.Load()) }},
	{"tandem_lb_nodes_altered_total", "Connections to nodes that ended because what one side got was not what the other one sent; Raft's included.", false, func(l *LB) float64 { return float64(identity.CountsOf(l.identity).Altered.Load()) }},
	{"tandem_lb_slow_clients_total", "Connections, and streams of HTTP/2, reset because the client took less than min-rate.", false, total(func(c *counts) *tally { return &c.slow })},
	{"tandem_lb_noisy_clients_total", "Connections of HTTP/2 reset because the client sent too much that asks for nothing.", false, total(func(c *counts) *tally { return &c.noisy })},
	{"tandem_lb_held_bytes", "Bytes of memory that the kernel holds for viewers who do not take what they asked for.", true, func(l *LB) float64 { return float64(l.connections.held.Bytes()) }},
	{"tandem_lb_relieved_total", "Connections reset because the kernel held more than max-held for viewers who do not take it: those that held most, for longest.", false, total(func(c *counts) *tally { return &c.relieved })},
	{"tandem_lb_connections_refused_total", "Connections reset, and requests of HTTP/2 beside a connection's first refused with 429, because there were too many.", false, func(l *LB) float64 { return float64(l.connections.Beyond()) }},
	{"tandem_lb_foreign_calls_total", "Requests for internal endpoints without the cluster's secret.", false, total(func(c *counts) *tally { return &c.foreign })},
	{"tandem_lb_connections", "Connections open now, and requests of HTTP/2 under way beside the first of theirs.", true, func(l *LB) float64 { return float64(l.connections.Open()) }},
	{"tandem_lb_next_failure_survived", "Whether the next death of an edge costs nobody anything, by the verdict that the page shows: 1 yes, 0 no, -1 not known.", true, func(l *LB) float64 { return survives[l.api.Verdict().Survives] }},
	{"tandem_lb_verdict", "How bad it is, by the verdict that the page and tandem status show: 0 good, 1 warn, 2 bad.", true, func(l *LB) float64 { return float64(l.api.Verdict().Level) }},
	{"tandem_lb_sessions", "Sessions of the cluster by the edges' reports.", true, func(l *LB) float64 { return float64(l.control.Loads.Sessions(l.node.Placement())) }},
}

var survives = map[wire.Survival]float64{wire.Yes: 1, wire.No: 0, wire.Unknown: -1}

// gapBounds are of the time without a byte, in seconds.
var gapBounds = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10}

func newCounts(l *LB) *counts {
	c := &counts{
		refusals:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_lb_refused_total", Help: "Viewers refused a session, by reason."}, []string{"reason"}),
		strangers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_lb_access_refused_total", Help: "Requests without a session that the access rules did not let in, by reason."}, []string{"reason"}),
		takeovers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_lb_takeovers_total", Help: "Responses that went on at another edge, by where they stood, why, and whether they were finished."}, []string{"phase", "cause", "result"}),
		gap:       prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tandem_lb_takeover_gap_seconds", Help: "Time without a byte in responses that went on at another edge.", Buckets: gapBounds}),
		proposals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_lb_proposals_total", Help: "Changes of the placement proposed by this balancer, by kind and result."}, []string{"kind", "result"}),
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tandem_lb_requests_total", Help: "Requests of viewers, by the status's class."}, []string{"code"})
	for i, class := range []string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		c.requests[i] = requests.WithLabelValues(class)
	}
	for reason := range refusals {
		c.refusals.WithLabelValues(reason)
	}
	c.vectors = []prometheus.Collector{requests, c.refusals, c.strangers, c.takeovers, c.gap, c.proposals}
	for _, m := range plains {
		read := func() float64 { return m.value(l) }
		if m.gauge {
			c.vectors = append(c.vectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, read))
		} else {
			c.vectors = append(c.vectors, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, read))
		}
	}
	return c
}

// register puts this balancer's metrics and its replica's into the registry.
func (l *LB) register(registry *prometheus.Registry) error {
	for _, v := range l.counts.vectors {
		if err := registry.Register(v); err != nil {
			return err
		}
	}
	return l.node.Register(registry)
}

func (c *counts) served(status int, sent int64) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	c.requests[class].Inc()
	c.sent.n.Add(sent)
}

func (c *counts) refused(reason string) {
	c.refusedAll.Inc()
	if reason == wire.ReasonClient {
		c.overClient.Inc()
	}
	c.refusals.WithLabelValues(reason).Inc()
}

func (c *counts) keptOut(reason string) { c.strangers.WithLabelValues(reason).Inc() }

func (c *counts) moved(t proxy.Takeover) {
	result := "broken"
	if t.OK {
		result = "finished"
		c.takeoversAll.Inc()
		c.gap.Observe(t.Gap.Seconds())
	}
	c.takeovers.WithLabelValues(t.Phase, t.Cause, result).Inc()
}

func (c *counts) proposed(kind placement.Kind, ok bool) {
	result := "failed"
	if ok {
		result = "done"
	}
	c.proposals.WithLabelValues(string(kind), result).Inc()
}
