package edge

import (
	"sync/atomic"

	"tandem/edge/multicast"
	"tandem/edge/upstream"

	"github.com/prometheus/client_golang/prometheus"

	"tandem/internal/front"
	"tandem/internal/identity"
	"tandem/internal/sealedhead"
	"tandem/segstore"
)

// counts are this edge's figures since its start.
type counts struct {
	sentBytes, broken, refused, slow, relieved, overMisses atomic.Int64

	ways front.Ways
}

// metric is one row of docs/metrics.md.
type metric struct {
	name, help string
	gauge      bool
	value      func(e *Edge) float64
}

func count(of func(e *Edge) *atomic.Int64) func(*Edge) float64 {
	return func(e *Edge) float64 { return float64(of(e).Load()) }
}

// sealed counts where there are grants.
func sealed(of func(g *sealedhead.Grants) *atomic.Int64) func(*Edge) float64 {
	return func(e *Edge) float64 {
		if e.grants == nil {
			return 0
		}
		return float64(of(e.grants).Load())
	}
}

func stat(of func(s segstore.Stats) int64) func(*Edge) float64 {
	return func(e *Edge) float64 { return float64(of(e.store.Stats())) }
}

// metrics is the table of an edge's metrics.
var metrics = []metric{
	{"tandem_edge_hits_total", "Requests answered from a fresh complete copy.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.Hits })},
	{"tandem_edge_loop_requests_total", "Requests answered on an event loop: hits.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.ways.Quick })},
	{"tandem_edge_away_requests_total", "Requests answered by a goroutine of their own: what may wait.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.ways.Away })},
	{"tandem_edge_misses_total", "Requests that began or joined a fill, or revalidated a copy.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.Misses })},
	{"tandem_edge_stale_total", "Requests answered from a stale copy because the origin failed.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.Stale })},
	{"tandem_edge_waiting", "Requests that wait for a fill now.", true, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.Waiting })},
	{"tandem_edge_sent_bytes_total", "Bytes of bodies sent.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.sentBytes })},
	{"tandem_edge_origin_requests_total", "Requests to the origin.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.OriginAsked })},
	{"tandem_edge_broken_bodies_total", "Bodies that broke off visibly because their fill did.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.broken })},
	{"tandem_edge_refused_total", "Requests refused for want of capacity.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.refused })},
	{"tandem_edge_misses_refused_total", "Requests refused because their client had asked for too much that was not here, or had to be revalidated.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.overMisses })},
	{"tandem_edge_connections", "Connections open now, those of nodes that found no room aside.", true, func(e *Edge) float64 { return float64(e.limiter.Open()) }},
	{"tandem_edge_connections_refused_total", "Connections reset because there were too many.", false, func(e *Edge) float64 { return float64(e.limiter.Beyond()) }},
	{"tandem_edge_slow_clients_total", "Connections reset because the client took less than min-rate.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.slow })},
	{"tandem_edge_held_bytes", "Bytes of memory that the kernel holds for clients that do not take what they asked for, balancers and neighbours aside.", true, func(e *Edge) float64 { return float64(e.held.Bytes()) }},
	{"tandem_edge_relieved_total", "Connections reset because the kernel held more than max-held for clients that do not take it: those that held most, for longest.", false, count(func(e *Edge) *atomic.Int64 { return &e.counts.relieved })},
	{"tandem_edge_playlist_went_back_total", "Live playlists of the origin that went back and were not given out.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.SteppedBack })},
	{"tandem_edge_playlist_unpublished_total", "Live playlists given out though the partner could not be told in time.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.Unpublished })},
	{"tandem_edge_manifests_read_total", "Versions of playlists and MPDs that were read.", false, count(func(e *Edge) *atomic.Int64 { return &e.manifests.Counts.Parsed })},
	{"tandem_edge_manifests_unread_total", "Playlists and MPDs passed as they are: too large, or not what they say they are.", false, count(func(e *Edge) *atomic.Int64 { return &e.manifests.Counts.Unread })},
	{"tandem_edge_manifests_busy_total", "Large playlists and MPDs that found no room to be read in within 10 s.", false, count(func(e *Edge) *atomic.Int64 { return &e.manifests.Counts.Busy })},
	{"tandem_edge_manifest_uris_left_total", "URIs in manifests that name the origin and can't be led into the session; see --origin-hosts and the base path of --origin.", false, count(func(e *Edge) *atomic.Int64 { return &e.manifests.Counts.Left })},
	{"tandem_edge_manifest_bytes", "Bytes of manifests kept as they were read.", true, func(e *Edge) float64 { return float64(e.manifests.Bytes()) }},
	{"tandem_edge_inherited_sessions_total", "Sessions taken over from others.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Counts.Inherited })},
	{"tandem_edge_expired_sessions_total", "Sessions ended because nothing was asked.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Counts.Expired })},
	{"tandem_edge_shed_sessions_total", "Sessions ended because there was no capacity left anywhere.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Counts.Shed })},
	{"tandem_edge_provisional_sessions", "Sessions of those it delivers that were given no media yet.", true, func(e *Edge) float64 { n, _ := e.member.Provisional(); return float64(n) }},
	{"tandem_edge_provisional_made_way_total", "Provisional sessions that ended for another viewer, because room was short.", false, func(e *Edge) float64 { _, n := e.member.Provisional(); return float64(n) }},
	{"tandem_edge_suspicions_total", "Silences of neighbours told to the balancers.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Counts.Suspected })},
	{"tandem_edge_notices_total", "Notices sent to neighbours and answered.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Counts.Notices })},
	{"tandem_edge_hints_total", "Objects of which the partner was told so that it copies them.", false, count(func(e *Edge) *atomic.Int64 { return &e.fetch.Counts.Hinted })},
	{"tandem_edge_prefetched_total", "Segments made ready in memory for sessions that were taken over, or might have to be.", false, func(e *Edge) float64 { return float64(e.member.Prefetch.Loaded()) }},
	{"tandem_edge_copied_bytes_total", "Bytes copied from neighbours in recoveries.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Copier.Bytes })},
	{"tandem_edge_copied_objects_total", "Objects copied from neighbours in recoveries.", false, count(func(e *Edge) *atomic.Int64 { return &e.member.Copier.Objects })},
	{"tandem_edge_multicast_datagrams_total", "Datagrams received from the origin.", false, count(func(e *Edge) *atomic.Int64 { return &e.multicastCounts().Datagrams })},
	{"tandem_edge_multicast_foreign_total", "Datagrams at the group that no origin of the cluster has sent so, or not with a key that is good.", false, count(func(e *Edge) *atomic.Int64 { return &e.multicastCounts().Foreign })},
	{"tandem_edge_multicast_replayed_total", "Datagrams of the origin that came a second time, or too late to tell, and were dropped.", false, count(func(e *Edge) *atomic.Int64 { return &e.multicastCounts().Replayed })},
	{"tandem_edge_multicast_repairs_total", "Gaps in multicast objects that were repaired by HTTP ranges.", false, count(func(e *Edge) *atomic.Int64 { return &e.multicastCounts().GapsAsked })},
	{"tandem_edge_nodes_strange_total", "Connections to nodes that were ended because somebody else answered, by the certificate.", false, count(func(e *Edge) *atomic.Int64 { return &identity.CountsOf(e.identity).Strange })},
	{"tandem_edge_sealed_total", "Requests for media whose heads a balancer had sealed (node-media plain).", false, sealed(func(g *sealedhead.Grants) *atomic.Int64 { return &g.Opened })},
	{"tandem_edge_sealed_refused_total", "Requests of that kind that were refused: changed on the way, played back, or of nobody who has a key.", false, sealed(func(g *sealedhead.Grants) *atomic.Int64 { return &g.Refused })},
	{"tandem_edge_nodes_altered_total", "Connections to nodes that ended because what one side got was not what the other one sent.", false, count(func(e *Edge) *atomic.Int64 { return &identity.CountsOf(e.identity).Altered })},
	{"tandem_edge_stand_ins", "Neighbours for which it stands in by its own word: they are silent, and nobody can commit their death.", true, func(e *Edge) float64 { return float64(e.member.StandIns()) }},
	{"tandem_edge_sessions", "Sessions that this edge delivers by the tables.", true, func(e *Edge) float64 { return float64(e.member.Delivering()) }},
	{"tandem_edge_capacity", "Most sessions that this edge can deliver.", true, func(e *Edge) float64 { return float64(e.member.Capacity()) }},
	{"tandem_edge_placement_version", "Version of the placement that is followed.", true, func(e *Edge) float64 { return float64(e.view.Placement().Version) }},
	{"tandem_edge_store_objects", "Objects in the store.", true, stat(func(s segstore.Stats) int64 { return int64(s.Objects) })},
	{"tandem_edge_store_bytes", "Bytes on disk.", true, stat(func(s segstore.Stats) int64 { return s.Bytes })},
	{"tandem_edge_store_memory_bytes", "Bytes in memory.", true, stat(func(s segstore.Stats) int64 { return s.MemoryBytes })},
	{"tandem_edge_store_evicted_total", "Objects evicted.", false, stat(func(s segstore.Stats) int64 { return s.Evicted })},
	{"tandem_edge_store_fills_total", "Fills begun.", false, stat(func(s segstore.Stats) int64 { return s.Fills })},
	{"tandem_edge_store_fill_errors_total", "Fills that failed.", false, stat(func(s segstore.Stats) int64 { return s.FillErrors })},
	{"tandem_edge_store_unwritable", "1: the disk of the store refuses what comes; what is there is given out.", true, func(e *Edge) float64 {
		if e.store.Unwritable() != nil {
			return 1
		}
		return 0
	}},
	{"tandem_edge_store_broken_total", "Stored objects found damaged and thrown away.", false, stat(func(s segstore.Stats) int64 { return s.Broken })},
	{"tandem_edge_store_compared_total", "Stored objects from before the start that were compared with their digest, when they were first asked for.", false, stat(func(s segstore.Stats) int64 { return s.Proven })},
}

// multicastCounts are zeros without a group.
func (e *Edge) multicastCounts() *multicast.Counts {
	if e.group == nil {
		return new(multicast.Counts)
	}
	return &e.group.Counts
}

// register puts the table into the registry.
func (e *Edge) register() {
	e.registry.MustRegister(origins{e.origins}, takeovers{e.member.Takeovers()})
	for _, m := range metrics {
		read := func() float64 { return m.value(e) }
		if m.gauge {
			e.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, read))
		} else {
			e.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, read))
		}
	}
}

// origins tells how each server of each upstream does. Its labels are what the
// configuration holds.
type origins struct{ *upstream.Upstreams }

var (
	originLabels = []string{"upstream", "origin"}
	originUp     = prometheus.NewDesc("tandem_edge_upstream_up", "1: requests go to this origin first; 0: it failed, or its health check did.", originLabels, nil)
	originTries  = prometheus.NewDesc("tandem_edge_upstream_tries_total",
		"Requests to each origin by result: answered, failing (500, 502, 503, 504), unreached (no connection), late (no head in time), broken (reset, or no HTTP), cut (the body broke off), misled (it redirects to this machine, the link or a listener of the cluster: not followed).", append(originLabels, "result"), nil)
)

// Describe is a prometheus.Collector's.
func (o origins) Describe(to chan<- *prometheus.Desc) {
	to <- originUp
	to <- originTries
}

// Collect is a prometheus.Collector's.
func (o origins) Collect(to chan<- prometheus.Metric) {
	for _, f := range o.Figures() {
		up := 0.0
		if f.Well {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(originUp, prometheus.GaugeValue, up, f.Upstream, f.Origin)
		for result, n := range f.Tries {
			to <- prometheus.MustNewConstMetric(originTries, prometheus.CounterValue, float64(n), f.Upstream, f.Origin, result)
		}
	}
}
