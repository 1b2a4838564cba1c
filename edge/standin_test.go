package edge

import (
	"bytes"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

func (b *testBalancer) report(edge string) wire.Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reports[edge]
}

// With no majority of the balancers the neighbour of a dead edge delivers its sessions
// by its own word, and says so; the commit changes nothing but who says it.
func TestANeighbourStandsInWhereNobodyCanCommitADeath(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRingOf(t, 3, o, func(int) Config { return Config{SilentFor: 5} })
	low, high := edges[0], edges[1]
	id, reason := open(t, low, 1, "/v/x/")
	if reason != "" {
		t.Fatal(reason)
	}
	path := "/s/" + tokenOf(id, "/v/x/") + "/v/x/1.m4s"
	get(t, low.url+path)
	eventually(t, "mirrored", func() bool { return high.mirrored(1) == 1 && high.store.Has("/v/x/1.m4s") })
	b.mu.Lock()
	b.alone = true
	b.mu.Unlock()
	low.stop()
	eventually(t, "standing in", func() bool {
		r := b.report("edge-2")
		return len(r.StandsIn) == 1 && r.StandsIn[0].Edge == "edge-1" && r.Delivering == 1
	})
	if version := high.view.Placement().Version; version != b.report("edge-2").Version {
		t.Errorf("the version is another one: %d", version)
	}
	if resp, body := get(t, high.url+path); resp.StatusCode != 200 || !bytes.Equal(body, bodyOf("/v/x/1.m4s", segmentSize)) {
		t.Error(resp.Status)
	}
	list, total := high.member.Sessions(10)
	if total != 1 || list[0].SessionID != id || !list[0].Standin {
		t.Errorf("%+v", list)
	}
	if n := metricOf(t, high, "tandem_edge_stand_ins"); n != 1 {
		t.Errorf("the metric says %v", n)
	}
	if n := high.member.Counts.Inherited.Load(); n != 1 {
		t.Errorf("inherited %d", n)
	}
	b.state("edge-1", wire.EdgeDown, ring.AnchorCurrent)
	followed(t, b, high)
	eventually(t, "it is committed", func() bool {
		return len(b.report("edge-2").StandsIn) == 0 && b.report("edge-2").Version == high.view.Placement().Version
	})
	if again, _ := high.member.Sessions(10); len(again) != 1 || again[0].SessionID != id || high.member.Counts.Inherited.Load() != 1 {
		t.Errorf("%+v", again)
	}
}

// metricOf reads a metric without labels.
func metricOf(t *testing.T, e *testEdge, name string) float64 {
	t.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
