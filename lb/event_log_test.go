package lb

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/obs"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// A death, a return and a removal each have a line in the log of the balancer that
// commits them, with the time, the kind, the edge and a sentence.
func TestWhatBecomesOfAnEdgeIsInTheLogOnce(t *testing.T) {
	var out lines
	logger := zerolog.New(&out).With().Timestamp().Logger()
	c := newStage(t, stageOptions{edges: 3, capacity: 8, log: &logger})
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: "edge-1", Incarnation: 1, Cause: "refused"})
	again := c.member("edge-1").edge
	again.Incarnation = 2
	c.propose(placement.Command{Kind: placement.EdgeUp, Edge: &again})
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: "edge-1", Incarnation: 2, Cause: "refused"})
	c.api(http.MethodPost, "/edges/edge-1/remove?force=true", nil, http.StatusOK, nil)
	c.place("/film/")
	var edges []string
	for _, l := range out.of(obs.ClusterEvent) {
		if l["edge"] != "edge-1" {
			continue
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(l["time"]))
		if err != nil || time.Since(at) > time.Minute || !strings.HasPrefix(fmt.Sprint(l["text"]), "edge-1 ") {
			t.Errorf("%v: %v", l, err)
		}
		edges = append(edges, fmt.Sprint(l["level"], " ", l["kind"]))
	}
	placed := out.of("placement event")
	want := "info edge_up, warn edge_down, info edge_up, warn edge_down, info remove"
	if got := strings.Join(edges, ", "); !strings.HasPrefix(got, want) || len(placed) != 1 || placed[0]["stream"] != "/film/" {
		t.Errorf("%s; want %s; placed: %v", got, want, placed)
	}
}

// A viewer that is turned away is in the log, with the reason and whose it was.
func TestARefusedViewerIsInTheLog(t *testing.T) {
	var out lines
	logger := zerolog.New(&out)
	c := newStage(t, stageOptions{edges: 2, capacity: 2, log: &logger})
	reason, opened := "", 0
	for ; reason == "" && opened < 9; opened++ {
		resp, _ := c.viewer(c.person(), entryPath)
		reason = resp.Header.Get(wire.HeaderReason)
	}
	if l := out.of("a viewer was refused"); len(l) != 1 || l[0]["reason"] != reason || l[0]["client"] != "127.0.0.1" || l[0]["stream"] != "/film/" || l[0]["level"] != "warn" {
		t.Errorf("%v", l)
	}
}
