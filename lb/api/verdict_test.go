package api

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/wire"
	"tandem/lb/control"
)

// calm is four edges and three balancers, of which nothing is wrong: 40 sessions.
func calm() *wire.Status {
	s := &wire.Status{Node: "lb-1", Leader: "lb-1", Majority: true, Sessions: 40}
	for i := range 4 {
		name, next := fmt.Sprintf("edge-%d", i+1), fmt.Sprintf("edge-%d", (i+1)%4+1)
		s.Edges = append(s.Edges, wire.EdgeStatus{Name: name, State: wire.EdgeUp, Capacity: 50, Limit: 37, Delivering: 10, Margin: 20, ReportAge: 100})
		s.Pairs = append(s.Pairs, wire.PairStatus{ID: wire.PairID(i + 1), Low: name, High: next, Slots: 50, Boundary: 25, Home: 25, Taken: []wire.Run{{From: 0, To: 4}, {From: 44, To: 50}}})
	}
	for _, name := range []string{"lb-1", "lb-2", "lb-3"} {
		s.Balancers = append(s.Balancers, wire.BalancerInfo{Balancer: wire.Balancer{Name: name}, Leader: name == "lb-1", Voter: true, Alive: true})
	}
	return s
}

// dead moves what an edge delivered to its neighbours.
func dead(s *wire.Status, i int) {
	s.Edges[i].State, s.Edges[i].Delivering = wire.EdgeDown, 0
	s.Pairs[i].Boundary, s.Pairs[(i+3)%4].Boundary = 0, 50
}

// verdictRows are the states that a cluster can be in, and what has to be said of each.
var verdictRows = []struct {
	name     string
	change   func(s *wire.Status)
	level    wire.Level
	survives wire.Survival
	words    []string // in text, more and next
}{
	{"calm", func(*wire.Status) {}, wire.Good, wire.Yes, []string{"4 edges up, 40 sessions, nobody waits for an edge", "The next failure is survived."}},
	{"an edge is down", func(s *wire.Status) { dead(s, 0) }, wire.Bad, wire.Yes, []string{"edge-1 is down: its 10 viewers are on edge-2 and edge-4", "3 edges up", "Bring edge-1 back", "tandem remove edge-1"}},
	{"two edges are down", func(s *wire.Status) {
		dead(s, 0)
		s.Edges[2].State, s.Edges[2].Delivering = wire.EdgeDown, 0
		s.Pairs[1].Boundary, s.Pairs[2].Boundary = 50, 0
	}, wire.Bad, wire.Yes, []string{"edge-1 and edge-3 are down: their 20 viewers are on edge-2 and edge-4 |", "2 edges up", "Bring edge-1 and edge-3 back: they copy", "tandem remove NAME"}},
	{"all edges are down", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].State, s.Edges[i].Delivering = wire.EdgeDown, 0
			s.Pairs[i].Taken = nil
		}
		for i := range s.Balancers {
			s.Balancers[i].Problem, s.Balancers[i].Next = control.NoEdgeUp, "Bring them back"
		}
		s.Sessions = 0
	}, wire.Bad, wire.No, []string{"No edge is up: nobody is served; edge-1, edge-2, edge-3 and edge-4 are down | 0 edges up, 0 sessions. No edge serves. | Bring edge-1, edge-2, edge-3 and edge-4 back"}},
	{"the only edge is down", func(s *wire.Status) { s.Edges, s.Pairs = s.Edges[:1], nil; s.Edges[0].State = wire.EdgeDown }, wire.Bad, wire.No, []string{"No edge is up: nobody is served; edge-1 is down |", "Bring edge-1 back"}},
	{"all edges are stopped", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].State, s.Edges[i].Stopped, s.Edges[i].Delivering = wire.EdgeDown, true, 0
		}
	}, wire.Bad, wire.No, []string{"No edge is up: nobody is served; edge-1, edge-2, edge-3 and edge-4 are stopped |", "Start edge-1, edge-2, edge-3 and edge-4 again."}},
	{"all edges are back and copy", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].State, s.Edges[i].Delivering = wire.EdgeRecovering, 0
		}
	}, wire.Bad, wire.No, []string{"No edge is up: nobody is served; edge-1 is back and copies; edge-2 is back and copies; 2 more"}},
	{"all edges are drained", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].State, s.Edges[i].Delivering = wire.EdgeDraining, 0
		}
	}, wire.Bad, wire.No, []string{"No edge is up: nobody is served; edge-1 is drained; edge-2 is drained; 2 more", "tandem resume edge-1"}},
	{"an edge that nobody watched is down", func(s *wire.Status) { dead(s, 0); s.Pairs[0].Taken, s.Pairs[3].Taken = nil, nil }, wire.Bad, wire.Yes, []string{"none of its viewers is waiting"}},
	{"one was stopped in order", func(s *wire.Status) { dead(s, 0); s.Edges[0].Stopped = true }, wire.Warn, wire.Yes, []string{"edge-1 is stopped", "Start edge-1 again"}},
	{"what a dead edge had was given on", func(s *wire.Status) {
		dead(s, 0)
		s.Pairs[0].Adopted = []wire.Adoption{{Edge: "edge-3", From: 0, To: 3}, {Edge: "edge-2", From: 3, To: 50}}
	}, wire.Bad, wire.Yes, []string{"its 10 viewers are on edge-3, edge-2 and edge-4"}},
	{"an edge hangs, no majority", func(s *wire.Status) {
		s.Majority, s.Edges[1].State, s.Edges[1].StandIns = false, wire.EdgeSilent, []string{"edge-1", "edge-3"}
	}, wire.Bad, wire.Unknown, []string{"edge-2 is silent, edge-1 and edge-3 stand in", "No majority", "not known", "look at the network between the balancers"}},
	{"an edge hangs, one stands in", func(s *wire.Status) {
		s.Edges[1].State, s.Edges[1].StandIns = wire.EdgeSilent, []string{"edge-3"}
	}, wire.Bad, wire.Yes, []string{"edge-2 is silent, edge-3 stands in"}},
	{"an edge copies", func(s *wire.Status) { dead(s, 2); s.Edges[2].State = wire.EdgeRecovering }, wire.Warn, wire.Yes, []string{"edge-3 is back and copies: its 10 viewers are on edge-2 and edge-4"}},
	{"an edge drains", func(s *wire.Status) { s.Edges[3].State = wire.EdgeDraining }, wire.Warn, wire.Yes, []string{"edge-4 is draining", "tandem resume edge-4"}},
	{"an edge is drained", func(s *wire.Status) { s.Edges[3].State, s.Edges[3].Delivering = wire.EdgeDraining, 0 }, wire.Warn, wire.Yes, []string{"edge-4 is drained", "tandem resume edge-4"}},
	{"one balancer is left, alone since a recovery", func(s *wire.Status) {
		s.Balancers[1].Alive, s.Balancers[1].Voter, s.Balancers[2].Alive, s.Balancers[2].Voter = false, false, false, false
	}, wire.Warn, wire.Yes, []string{"lb-2 and lb-3 are gone", "The next death of an edge is survived, that of lb-1, the only balancer that is left, is not.", "Start them again"}},
	{"one balancer", func(s *wire.Status) { s.Balancers = s.Balancers[:1] }, wire.Warn, wire.Yes, []string{"The next death of an edge is survived, that of lb-1, the only balancer, is not.", "tandem lb --join URL"}},
	{"two balancers", func(s *wire.Status) { s.Balancers = s.Balancers[:2] }, wire.Good, wire.Yes, []string{"The next failure is survived. With one more balancer lost the placement can't change."}},
	{"an edge joins", func(s *wire.Status) { s.Edges[3].State = wire.EdgeJoining }, wire.Warn, wire.Yes, []string{"edge-4 is joining"}},
	{"an edge leaves", func(s *wire.Status) { s.Edges[3].State = wire.EdgeLeaving }, wire.Warn, wire.Yes, []string{"edge-4 is leaving"}},
	{"an edge waits", func(s *wire.Status) { s.Edges[3].State = wire.EdgePending }, wire.Warn, wire.Yes, []string{"edge-4 waits to be accepted", "tandem accept edge-4"}},
	{"an edge asks for more", func(s *wire.Status) { s.Edges[3].Asks = 90 }, wire.Warn, wire.Yes, []string{"edge-4 waits to be accepted"}},
	{"an edge is above capacity", func(s *wire.Status) { s.Edges[0].Delivering = 51 }, wire.Bad, wire.Yes, []string{"edge-1 is above its capacity"}},
	{"the cluster is full", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].Delivering = 37
		}
	}, wire.Warn, wire.Yes, []string{"The cluster is full: new viewers are refused", "Add an edge, or raise"}},
	{"one edge is full", func(s *wire.Status) { s.Edges[0].Delivering = 37 }, wire.Good, wire.Yes, []string{"nobody waits for an edge"}},
	{"the next death costs somebody", func(s *wire.Status) { s.Edges[2].Margin = -3 }, wire.Warn, wire.No, []string{"not survived: edge-3 would be asked for more", "Add an edge"}},
	{"one edge alone", func(s *wire.Status) { s.Edges = s.Edges[:1] }, wire.Warn, wire.No, []string{"1 edge up", "not survived: no second edge"}},
	{"no edge", func(s *wire.Status) { s.Edges, s.Pairs = nil, nil }, wire.Warn, wire.Unknown, []string{"No edge has registered", "tandem edge --balancers"}},
	{"no edge, by an old view", func(s *wire.Status) {
		s.Edges, s.Pairs = nil, nil
		s.Balancers[0].Problem, s.Balancers[0].Next, s.Balancers[0].Stale = "it hears no leader", "Look at its network.", true
	}, wire.Warn, wire.Unknown, []string{"lb-1: it hears no leader", "Ask another balancer", "Look at its network"}},
	{"no leader", func(s *wire.Status) { s.Leader, s.Majority = "", false }, wire.Warn, wire.Unknown, []string{"nobody waits for an edge", "No majority of the balancers: sessions go on", "not known", "look at the network between the balancers"}},
	{"two of three came back with empty disks", func(s *wire.Status) {
		s.Leader, s.Majority, s.Balancers[0].Version = "", false, 53
		for i := range s.Balancers[1:] {
			s.Balancers[1+i].Problem, s.Balancers[1+i].Next = "its disk is empty", "Start the balancers that its log names."
		}
	}, wire.Warn, wire.Unknown, []string{"lb-2: its disk is empty", "No majority", "tandem cluster recover: too few have the placement", "lets the others in"}},
	{"one of three came back with an empty disk, one is gone", func(s *wire.Status) {
		s.Leader, s.Majority, s.Balancers[0].Version, s.Balancers[1].Alive = "", false, 53, false
		s.Balancers[2].Problem = "its disk is empty"
	}, wire.Warn, wire.Unknown, []string{"lb-2 is gone", "Start the balancers that are gone", "If most are lost for good"}},
	{"a balancer is gone", func(s *wire.Status) { s.Balancers[1].Alive = false }, wire.Warn, wire.Yes, []string{"lb-2 is gone", "With one more balancer lost", "its /readyz says why", "remove-balancer lb-2"}},
	{"two balancers are gone", func(s *wire.Status) { s.Balancers[1].Alive, s.Balancers[2].Alive = false, false }, wire.Warn, wire.Yes, []string{"lb-2 and lb-3 are gone", "remove-balancer NAME"}},
	{"a balancer's disk is full", func(s *wire.Status) { s.Balancers[2].Problem, s.Balancers[2].Next = "the disk is full", "Make room" }, wire.Warn, wire.Yes, []string{"lb-3: the disk is full", "Make room"}},
	{"an edge's disk is full", func(s *wire.Status) { s.Edges[0].Unwritable = "no space left on device" }, wire.Warn, wire.Yes, []string{"edge-1 can't store: no space left", "Make room on the disk of --data of edge-1", "stores again"}},
	{"an edge's disk is read-only", func(s *wire.Status) { s.Edges[0].Unwritable = "read-only file system" }, wire.Warn, wire.Yes, []string{"edge-1 can't store: read-only", "dmesg says why", "mount it anew"}},
	{"an edge's disk is another one now", func(s *wire.Status) { s.Edges[0].Unwritable = "no such file or directory" }, wire.Warn, wire.Yes, []string{"edge-1 can't store: no such file", "was removed, or is another one", "start edge-1 again"}},
	{"a follower is behind", func(s *wire.Status) { s.Balancers[2].Behind = 4000 }, wire.Warn, wire.Yes, []string{"lb-3 is 4000 changes behind", "Look at the disk and the network of lb-3"}},
	{"a view is old", func(s *wire.Status) { s.Edges[1].ReportAge = 9000 }, wire.Warn, wire.Unknown, []string{"not known: edge-2 has not told its load"}},
	{"an edge came back with another secret", func(s *wire.Status) {
		dead(s, 0)
		s.Edges[0].Refused, s.Edges[0].Next = "it shows another secret than this cluster's", "Give it this cluster's secret file"
	}, wire.Bad, wire.Yes, []string{"edge-1 is down, and its calls are refused, for it shows another secret than this cluster's: its 10 viewers", "Give it this cluster's secret file"}},
	{"a silent edge has a foreign certificate", func(s *wire.Status) {
		e := &s.Edges[1]
		e.State, e.StandIns, e.Refused, e.Next = wire.EdgeSilent, []string{"edge-3"}, "its certificate is not of this cluster", "Join it anew"
	}, wire.Bad, wire.Yes, []string{"edge-2 is silent, edge-3 stands in, and its calls are refused, for its certificate is not of this cluster", "Join it anew"}},
	{"a balancer has a foreign certificate", func(s *wire.Status) {
		b := &s.Balancers[2]
		b.Alive, b.Refused, b.Next = false, "its certificate is not of this cluster", "Join it anew with a ticket"
	}, wire.Warn, wire.Yes, []string{"lb-3 and the others don't hear each other: its certificate is not of this cluster", "Join it anew with a ticket"}},
	{"an edge's clock is off by a minute", func(s *wire.Status) { s.Edges[2].Ahead = 61_400 }, wire.Warn, wire.Yes, []string{"The clock of edge-3 is 1m1s ahead", "Set the clock of edge-3"}},
	{"a balancer's clock is off by a minute", func(s *wire.Status) { s.Balancers[1].Ahead = -60_000 }, wire.Warn, wire.Yes, []string{"The clock of lb-2 is 1m0s behind", "Set the clock of lb-2"}},
	{"two clocks of one machine are off", func(s *wire.Status) { s.Edges[2].Ahead, s.Balancers[1].Ahead = 60_000, 60_000 }, wire.Warn, wire.Yes, []string{"The clock of lb-2 is 1m0s ahead", "the clock of edge-3 is 1m0s ahead"}},
	{"this balancer's own clock is off", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].Ahead = 60_000 + int64(i)
		}
		s.Balancers[1].Ahead, s.Balancers[2].Ahead = 59_000, 60_000
	}, wire.Warn, wire.Yes, []string{"The clock of lb-1 is 59s behind", "Set the clock of lb-1"}},
	{"clocks that differ by seconds", func(s *wire.Status) { s.Edges[0].Ahead, s.Balancers[1].Ahead = 4000, -4000 }, wire.Good, wire.Yes, []string{"nobody waits for an edge"}},
	{"what is asked has an old view", func(s *wire.Status) {
		b := &s.Balancers[0]
		b.Problem, b.Next, b.Stale = "its placement is older than the others'", "Look at its network", true
	}, wire.Warn, wire.Unknown, []string{"lb-1: its placement is older", "not known: what lb-1 shows is old", "Ask another balancer", "Look at its network"}},
	{"the origin is down", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].OriginsOut = []string{"http://origin:8090"}
		}
	}, wire.Bad, wire.Yes, []string{"The origin http://origin:8090 is down for edge-1, edge-2, edge-3 and edge-4: what is not stored", "tandem upstreams set"}},
	{"the origin is down for one edge", func(s *wire.Status) { s.Edges[1].OriginsOut = []string{"http://origin:8090"} }, wire.Bad, wire.Yes, []string{"The origin http://origin:8090 is down for edge-2", "at the network between it and edge-2."}},
	{"a full disk", func(s *wire.Status) { s.Edges[1].Unwritable = "no space left on device" }, wire.Warn, wire.Yes, []string{"edge-2 can't store: no space left on device", "Make room on the disk of --data of edge-2", "The next failure is survived"}},
	{"what was said of a disk is old", func(s *wire.Status) {
		dead(s, 0)
		s.Edges[0].Unwritable, s.Edges[0].ReportAge = "no space left on device", 10_000
	}, wire.Bad, wire.Yes, []string{"edge-2 and edge-4 | 3 edges up"}},
	{"what a dead edge said of the origin is old", func(s *wire.Status) {
		dead(s, 0)
		s.Edges[0].OriginsOut = []string{"http://origin:8090"}
	}, wire.Bad, wire.Yes, []string{"edge-1 is down"}},
	{"a second root is trusted", func(s *wire.Status) { s.RollOver = wire.RollTrusted }, wire.Warn, wire.Yes, []string{"The authority is being changed", "Next is tandem cluster authority use."}},
	{"the second root's authority issues", func(s *wire.Status) { s.RollOver = wire.RollIssues }, wire.Warn, wire.Yes, []string{"The authority is being changed", "Next is tandem cluster authority drop, when"}},
	{"a load was never told", func(s *wire.Status) { s.Edges[1].ReportAge = -1 }, wire.Warn, wire.Unknown, []string{"not known: edge-2"}},
	{"a zone would cost somebody", func(s *wire.Status) {
		s.Zones = []wire.ZoneLoss{{Zone: "a"}, {Zone: "b", Edges: []string{"edge-2", "edge-4"}, Lost: 7}}
	}, wire.Good, wire.Yes, []string{"The loss of b (edge-2 and edge-4) would cost 7 sessions."}},
	{"a zone holds neighbours", func(s *wire.Status) { s.Pairs[1].SameZone = true }, wire.Good, wire.Yes, []string{"edge-2 and edge-3 are neighbours in one zone: were it lost"}},
	{"a budget is used up", func(s *wire.Status) {
		s.Balancers[1].Troubles = []wire.Trouble{{Text: "max-connections is reached", Next: "Raise it"}}
		s.Edges[2].Troubles = []wire.Trouble{{Text: "max-held is reached", Next: "See to it"}}
	}, wire.Warn, wire.Yes, []string{"lb-2: max-connections is reached; edge-3: max-held is reached |", "| Raise it"}},
	{"two have the same trouble", func(s *wire.Status) {
		s.Balancers[0].Troubles = []wire.Trouble{{Text: "the viewers' certificate ends"}, {Text: "max-held is reached", Next: "Raise it"}}
		s.Balancers[2].Troubles = s.Balancers[0].Troubles[:1]
	}, wire.Warn, wire.Yes, []string{"lb-1 and lb-3: the viewers' certificate ends; lb-1: max-held is reached |"}},
	{"a dead node's last words", func(s *wire.Status) {
		dead(s, 2)
		s.Edges[2].ReportAge, s.Edges[2].Build = 20_000, "0.9"
		s.Edges[2].Troubles = []wire.Trouble{{Text: "max-held is reached", Next: "See to it"}}
	}, wire.Bad, wire.Yes, []string{"edge-2 and edge-4 | 3 edges up"}},
	{"an upgrade under way", func(s *wire.Status) {
		for i := range s.Edges {
			s.Edges[i].Build = "1.3"
		}
		s.Balancers[1].Build, s.Balancers[2].Build, s.Edges[2].Build = "1.2", "1.3", "1.2"
	}, wire.Warn, wire.Yes, []string{"Not all run one build: lb-1 an older one, lb-2 and edge-3 1.2, the others 1.3", "Bring the upgrade to its end"}},
	{"what is worst is said first", func(s *wire.Status) {
		s.Edges[0].Unwritable, s.Edges[3].State, s.Edges[1].OriginsOut = "no space left on device", wire.EdgeDraining, []string{"http://origin:8090"}
	}, wire.Bad, wire.Yes, []string{"The origin http://origin:8090 is down for edge-2: what is not stored can't be served; edge-4 is draining; edge-1 can't store", "| Look at it, and at the network between it and edge-2."}},
	{"much at once", func(s *wire.Status) {
		dead(s, 0)
		s.Edges[1].State, s.Edges[2].State, s.Balancers[1].Alive, s.Balancers[2].Problem, s.Edges[3].Margin = wire.EdgeDraining, wire.EdgeLeaving, false, "old", -1
	}, wire.Bad, wire.No, []string{"edge-1 is down", "edge-2 is draining; edge-3 is leaving; 2 more"}},
}

// In each state the words name what is wrong, whether the next failure is survived is
// right or said not to be known, and where there is a next step it is named.
func TestTheVerdictNamesWhatIsWrongAndTheNextStep(t *testing.T) {
	for _, c := range verdictRows {
		s := calm()
		c.change(s)
		v := verdict(s)
		said := strings.Join([]string{v.Text, v.More, v.Next}, " | ")
		if v.Level != c.level || v.Survives != c.survives {
			t.Errorf("%s: level %v, survives %s: %s", c.name, v.Level, v.Survives, said)
		}
		for _, words := range c.words {
			if !strings.Contains(said, words) {
				t.Errorf("%s: %q is not said: %s", c.name, words, said)
			}
		}
	}
}
