package raftfsm

import (
	"sync/atomic"
	"time"

	"tandem/raftfsm/placement"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

// counters are what the node counts itself.
type counters struct {
	changed, unchanged, refused, repeated atomic.Int64 // commands, by what they did
	committed, unsure                     atomic.Int64 // proposals, by how they ended
}

func (c *counters) applied(r placement.Result) {
	switch {
	case r.Again:
		c.repeated.Add(1)
	case r.Err != "":
		c.refused.Add(1)
	case r.Changed:
		c.changed.Add(1)
	default:
		c.unchanged.Add(1)
	}
}

// metric is one row of the table: a value that is read when it is asked for.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	label      [2]string
	value      func(*Node) float64
}

func counter(of func(*Node) *atomic.Int64) func(*Node) float64 {
	return func(n *Node) float64 { return float64(of(n).Load()) }
}

const (
	helpCommands  = "Commands in the log that this node has applied, by what they did."
	helpProposals = "Proposals made at this node, by how they ended."
)

var metrics = []metric{
	{"tandem_raft_leader", "1 when this balancer leads.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 {
		if n.IsLeader() {
			return 1
		}
		return 0
	}},
	{"tandem_raft_leaders_seen_total", "Changes of the leader that this node has seen.", prometheus.CounterValue, [2]string{}, counter(func(n *Node) *atomic.Int64 { return &n.leadership.seen })},
	{"tandem_raft_term", "Raft's term.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(n.raft.CurrentTerm()) }},
	{"tandem_raft_commit_index", "Last index known to be on a majority.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(n.raft.CommitIndex()) }},
	{"tandem_raft_applied_index", "Last index that is in the placement.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(n.raft.AppliedIndex()) }},
	{"tandem_raft_last_index", "Last index in the log of this node.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(n.raft.LastIndex()) }},
	{"tandem_raft_last_contact_seconds", "Time since this node heard the leader; 0 when it leads, -1 when it never did.", prometheus.GaugeValue, [2]string{}, contact},
	{"tandem_raft_disk_ok", "1 while the disk takes what Raft writes, 0 when it is full or hangs.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 {
		if n.disk.state() != nil {
			return 0
		}
		return 1
	}},
	{"tandem_raft_followers_behind_entries", "Committed entries that the follower furthest behind lacks, where this balancer leads.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 {
		furthest := uint64(0)
		for _, f := range n.Health().Followers {
			furthest = max(furthest, f.Behind)
		}
		return float64(furthest)
	}},
	{"tandem_raft_starved_seconds", "For how long a leader is heard and nothing is appended here; 0 while all is well.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return n.Health().Starved.Seconds() }},
	{"tandem_raft_voters", "Balancers that vote.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(len(n.Voters())) }},
	{"tandem_placement_version", "Version of the placement.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(n.Placement().Version) }},
	{"tandem_placement_streams", "Streams that are placed.", prometheus.GaugeValue, [2]string{}, func(n *Node) float64 { return float64(n.Placement().Streams.Len()) }},
	{"tandem_cluster_takeovers_total", "Responses finished from the partner, by all balancers and all their lives: the same at each.", prometheus.CounterValue, [2]string{}, func(n *Node) float64 { return float64(n.Tally().Takeovers) }},
	{"tandem_cluster_refused_total", "Viewers refused a session, by all balancers and all their lives: the same at each.", prometheus.CounterValue, [2]string{}, func(n *Node) float64 { return float64(n.Tally().Refused) }},
	{"tandem_placement_commands_total", helpCommands, prometheus.CounterValue, [2]string{"did", "changed"}, counter(func(n *Node) *atomic.Int64 { return &n.counters.changed })},
	{"tandem_placement_commands_total", helpCommands, prometheus.CounterValue, [2]string{"did", "nothing"}, counter(func(n *Node) *atomic.Int64 { return &n.counters.unchanged })},
	{"tandem_placement_commands_total", helpCommands, prometheus.CounterValue, [2]string{"did", "refused"}, counter(func(n *Node) *atomic.Int64 { return &n.counters.refused })},
	{"tandem_placement_commands_total", helpCommands, prometheus.CounterValue, [2]string{"did", "repeated"}, counter(func(n *Node) *atomic.Int64 { return &n.counters.repeated })},
	{"tandem_raft_proposals_total", helpProposals, prometheus.CounterValue, [2]string{"result", "committed"}, counter(func(n *Node) *atomic.Int64 { return &n.counters.committed })},
	{"tandem_raft_proposals_total", helpProposals, prometheus.CounterValue, [2]string{"result", "unsure"}, counter(func(n *Node) *atomic.Int64 { return &n.counters.unsure })},
	{"tandem_raft_proposals_total", helpProposals, prometheus.CounterValue, [2]string{"result", "not_leader"}, counter(func(n *Node) *atomic.Int64 { return &n.leadership.asked })},
	{"tandem_raft_handshakes_refused_total", "Connections that did not prove that they belong to the cluster.", prometheus.CounterValue, [2]string{}, func(n *Node) float64 { return float64(n.transport.Refused()) }},
	{"tandem_placement_events_dropped_total", "Events that a subscriber was too slow for.", prometheus.CounterValue, [2]string{}, counter(func(n *Node) *atomic.Int64 { return &n.shown.dropped })},
}

func contact(n *Node) float64 {
	if n.raft.State() == raft.Leader {
		return 0
	}
	at := n.raft.LastContact()
	if at.IsZero() {
		return -1
	}
	return time.Since(at).Seconds()
}

// Register adds the node's metrics to a registry.
func (n *Node) Register(reg prometheus.Registerer) error { return reg.Register(collector{n}) }

// collector reads the table's values of a node.
type collector struct{ node *Node }

// Describe sends the table's rows.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for i := range metrics {
		to <- metrics[i].desc()
	}
}

// Collect sends the present values.
func (c collector) Collect(to chan<- prometheus.Metric) {
	for i := range metrics {
		m := &metrics[i]
		to <- prometheus.MustNewConstMetric(m.desc(), m.kind, m.value(c.node))
	}
}

func (m *metric) desc() *prometheus.Desc {
	var labels prometheus.Labels
	if m.label[0] != "" {
		labels = prometheus.Labels{m.label[0]: m.label[1]}
	}
	return prometheus.NewDesc(m.name, m.help, nil, labels)
}

var _ prometheus.Collector = collector{}
