package edge

import (
	"github.com/prometheus/client_golang/prometheus"

	"tandem/edge/prefetch"
	"tandem/internal/wire"
)

// takeovers tells what became of the first requests after takeovers.
type takeovers struct{ *prefetch.Takeovers }

const takeoverHelp = "First segments that sessions asked for after they were taken over, by kind of track and by what became of it: " +
	"ready (it was in memory), late (on its way), failed (it could not be got), unlisted (the manifest did not name it), unforeseen (another one than the next), unplaced (the position was not known)."

var takeoverRequests = prometheus.NewDesc("tandem_edge_takeover_requests_total", takeoverHelp, []string{"track", "outcome"}, nil)

// Describe is a prometheus.Collector's.
func (t takeovers) Describe(to chan<- *prometheus.Desc) { to <- takeoverRequests }

// Collect is a prometheus.Collector's.
func (t takeovers) Collect(to chan<- prometheus.Metric) {
	t.Each(func(kind wire.TrackKind, o prefetch.Outcome, n int64) {
		to <- prometheus.MustNewConstMetric(takeoverRequests, prometheus.CounterValue, float64(n), kind.String(), o.String())
	})
}
