package sim

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// ringText is the head of a scenario with n edges e1..en of one capacity.
func ringText(n, capacity int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("e%d", i+1))
	}
	return fmt.Sprintf("capacity: %d\nedges: [%s]\nsteps:\n", capacity, strings.Join(names, ", "))
}

// TestFilledToTheLimitEachEdgeKilledInTurn is claim 8: lost 0, the highest load
// at most the capacity (sane looks at every line), refused exactly the surplus.
func TestFilledToTheLimitEachEdgeKilledInTurn(t *testing.T) {
	for _, n := range []int{3, 4, 5, 8} {
		for _, streams := range []int{1, 3, 40} {
			t.Run(fmt.Sprintf("%d edges, %d streams", n, streams), func(t *testing.T) {
				const capacity, surplus = 120, 17
				room := n * (capacity * (n - 1) / n)
				text := ringText(n, capacity)
				for i := range streams {
					text += fmt.Sprintf("  - open: {stream: s%d, count: %d}\n", i+1, room/streams)
				}
				text += fmt.Sprintf("  - open: {stream: s1, count: %d}\n", room%streams+surplus)
				for i := range n {
					text += fmt.Sprintf("  - fail: e%d\n  - recover: e%d\n", i+1, i+1)
				}
				refused, highest := 0, 0
				var full *Line
				lines := play(t, load(t, text))
				for i := range lines {
					l := &lines[i]
					refused += l.Sessions.Refused
					for _, e := range l.Edges {
						highest = max(highest, e.Delivering)
					}
					if strings.HasPrefix(l.Did, "open") {
						full = l
					}
					if l.Sessions.Lost != 0 {
						t.Errorf("%s: lost %d", l.Did, l.Sessions.Lost)
					}
					if strings.HasPrefix(l.Did, "recover") {
						equal(t, l.Did, fmt.Sprint(delivering(l), boundaries(l)), fmt.Sprint(delivering(full), boundaries(full)))
					}
				}
				equal(t, "open", full.Sessions.Open, room)
				equal(t, "refused", refused, surplus)
				equal(t, "highest", highest, capacity)
			})
		}
	}
}

const twelve = "  - open: {stream: a, count: 12}\n  - open: {stream: b, count: 12}\n"

func TestTwoNeighboursDeadAtOnceKeepWhatTwoCanCarry(t *testing.T) {
	lines := play(t, load(t, ringText(4, 8)+twelve+"  - fail: [e1, e2]\n  - recover: e1\n  - recover: e2\n"))
	dead := at(t, lines, "fail e1 e2")
	equal(t, "sessions", [2]int{dead.Sessions.Open, dead.Sessions.Lost}, [2]int{16, 8})
	equal(t, "delivering", delivering(dead), []int{0, 0, 8, 8})
	for _, did := range []string{"recover e1", "recover e2"} {
		equal(t, did, at(t, lines, did).Sessions.Lost, 0)
	}
	equal(t, "home", boundaries(&lines[len(lines)-1]), boundaries(at(t, lines, "open b 12")))
}

func TestTwoNeighboursDeadWithRoomLoseNobody(t *testing.T) {
	lines := play(t, load(t, "choose: first\n"+ringText(4, 8)+"  - open: {stream: a, count: 8}\n  - open: {stream: b, count: 8}\n  - fail: [e1, e2]\n"))
	dead := at(t, lines, "fail e1 e2")
	equal(t, "sessions", [2]int{dead.Sessions.Open, dead.Sessions.Lost}, [2]int{16, 0})
	adopted := 0
	for _, a := range dead.Pairs[0].Adopted {
		adopted += a.Sessions
	}
	equal(t, "go on without either copy", adopted, 8)
}

func TestTwoThatAreNoNeighboursDead(t *testing.T) {
	lines := play(t, load(t, ringText(4, 8)+twelve+"  - fail: [e1, e3]\n"))
	dead := at(t, lines, "fail e1 e3")
	equal(t, "delivering", delivering(dead), []int{0, 8, 0, 8})
	equal(t, "sessions", [2]int{dead.Sessions.Open, dead.Sessions.Lost}, [2]int{16, 8})
}

func TestAllButOneDeadAndAllDead(t *testing.T) {
	lines := play(t, load(t, ringText(4, 8)+twelve+"  - fail: [e1, e2, e3]\n  - recover: e2\n  - fail: [e2, e4]\n  - recover: e4\n  - open: {stream: a, count: 3}\n"))
	dead := at(t, lines, "fail e1 e2 e3")
	equal(t, "the last one", delivering(dead), []int{0, 0, 0, 8})
	equal(t, "sessions", [2]int{dead.Sessions.Open, dead.Sessions.Lost}, [2]int{8, 16})
	equal(t, "none left", at(t, lines, "fail e2 e4").Sessions.Open, 0)
}

// TestTheNewestAreLostTheOldestPlayOn: those who came first are still there.
func TestTheNewestAreLostTheOldestPlayOn(t *testing.T) {
	s := load(t, "capacity: 10\nadmission: pair\nedges: [e1, e2]\nsteps:\n  - open: {stream: old, count: 10}\n  - open: {stream: new, count: 10}\n  - fail: e1\n")
	r := newTandem(s)
	for i := range s.Steps[:2] {
		r.open(s.Steps[i].Stream, s.Steps[i].Count)
	}
	r.fail([]string{"e1"})
	equal(t, "old", r.streams[r.stream("old")].open, 10)
	equal(t, "new", r.streams[r.stream("new")].open, 0)
	equal(t, "lost", r.count.Lost, 10)
}

func TestDrainResumeJoinLeaveLoseNobody(t *testing.T) {
	text := ringText(4, 20) + `  - open: {stream: a, count: 20}
  - open: {stream: b, count: 20}
  - drain: e2
  - resume: e2
  - join: {name: e5, after: e2, capacity: 20}
  - leave: e1
  - open: {stream: c, count: 2}
  - close: {stream: a, count: 20}
  - close: {stream: b, count: 20}
`
	lines := play(t, load(t, text))
	for i := range lines {
		equal(t, lines[i].Did+": lost", lines[i].Sessions.Lost, 0)
	}
	equal(t, "drained", delivering(at(t, lines, "drain e2"))[1], 0)
	equal(t, "resumed", at(t, lines, "resume e2").Pairs, at(t, lines, "open b 20").Pairs)
	var shape []string
	for _, q := range at(t, lines, "join e5 20 after e2").Pairs {
		shape = append(shape, q.Low+q.High)
	}
	equal(t, "joined", shape, []string{"e1e2", "e2e5", "e3e4", "e4e1", "e5e3"})
	equal(t, "a new stream after the ring has closed", at(t, lines, "open c 2").Sessions.Refused, 0)
	last := &lines[len(lines)-1]
	for _, q := range last.Pairs {
		if q.Retiring {
			t.Errorf("pair %s-%s is empty and still there", q.Low, q.High)
		}
	}
	equal(t, "pairs", len(last.Pairs), 4)
}

// TestRoundRobinLosesWhatTandemKeeps is the comparison with the baseline.
func TestRoundRobinLosesWhatTandemKeeps(t *testing.T) {
	steps := ringText(4, 8) + twelve + "  - fail: e1\n  - recover: e1\n  - fail: e2\n  - recover: e2\n  - drain: e3\n  - resume: e3\n  - join: {name: e5}\n  - leave: e5\n  - close: {stream: a, count: 3}\n"
	lost := map[string]int{}
	for _, policy := range []string{Tandem, RoundRobin} {
		for _, l := range play(t, load(t, "policy: "+policy+"\n"+steps)) {
			lost[policy] += l.Sessions.Lost
		}
	}
	equal(t, "tandem", lost[Tandem], 0)
	if lost[RoundRobin] < 12 {
		t.Errorf("roundrobin lost %d of two edges' sessions", lost[RoundRobin])
	}
}

func TestRoundRobinDealsInTurnAndRefusesWhenAllAreFull(t *testing.T) {
	lines := play(t, load(t, "policy: roundrobin\n"+ringText(3, 4)+"  - open: {stream: a, count: 5}\n  - open: {stream: a, count: 9}\n  - fail: e1\n"))
	equal(t, "in turn", delivering(at(t, lines, "open a 5")), []int{2, 2, 1})
	equal(t, "full", at(t, lines, "open a 9").Sessions, Sessions{Open: 12, Refused: 2})
	equal(t, "no room to begin again", at(t, lines, "fail e1").Sessions, Sessions{Open: 8, Refused: 4, Lost: 4})
}

func TestScenariosForPeopleRun(t *testing.T) {
	files, err := filepath.Glob("../../docs/scenarios/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		s := loadFile(t, file)
		lost := 0
		for _, l := range play(t, s) {
			lost += l.Sessions.Lost
		}
		name := filepath.Base(file)
		if kept := name == "figure16.yaml" || name == "drain.yaml"; kept != (lost == 0) {
			t.Errorf("%s: lost %d", name, lost)
		}
	}
}

// TestSameSeedSameLines: a scenario of chance is the same twice, another seed is
// another evening.
func TestSameSeedSameLines(t *testing.T) {
	text := ringText(7, 30) + "  - open: {stream: a, count: 60}\n  - open: {stream: b, count: 60}\n  - random: {faults: 40, at_most_down: 3, churn: 20}\n"
	one := ndjson(t, play(t, load(t, "seed: 7\n"+text)))
	equal(t, "again", ndjson(t, play(t, load(t, "seed: 7\n"+text))) == one, true)
	equal(t, "another seed", ndjson(t, play(t, load(t, "seed: 8\n"+text))) == one, false)
}

// TestSlotGivenAwayIsNotAllotted: e2, both of whose neighbours are dead, has given
// its slots to e4. When their sessions have ended, the next viewer is e2's.
func TestSlotGivenAwayIsNotAllotted(t *testing.T) {
	text := "admission: pair\n" + ringText(4, 1) + `  - open: {stream: a, count: 2}
  - fail: e3
  - fail: e1
  - close: {stream: a, count: 2}
  - open: {stream: a, count: 1}
`
	lines := play(t, load(t, text))
	last := lines[len(lines)-1]
	equal(t, "sessions", last.Sessions, Sessions{Open: 1})
	equal(t, "delivering", delivering(&last), []int{0, 1, 0, 0})
	for _, q := range last.Pairs {
		if len(q.Adopted) > 0 && q.Adopted[0].Sessions > 0 {
			t.Errorf("%s-%s: %+v", q.Low, q.High, q.Adopted)
		}
	}
}

// TestCapacitiesChangeUnderViewers: what an edge can no longer deliver others do, tables
// follow down as slots become free and up at once, and room that has come is used.
func TestCapacitiesChangeUnderViewers(t *testing.T) {
	text := ringText(4, 8) + `  - open: {stream: a, count: 20}
  - capacity: {name: e1, capacity: 2}
  - close: {stream: a, count: 15}
  - capacity: {name: e1, capacity: 20}
  - capacity: {name: e2, capacity: 20}
  - open: {stream: a, count: 40}
`
	lines := play(t, load(t, text))
	small := at(t, lines, "capacity e1 2")
	equal(t, "lost", small.Sessions.Lost, 0)
	equal(t, "delivering", delivering(small)[0] <= 2, true)
	last := &lines[len(lines)-1]
	equal(t, "limits", [2]int{last.Edges[0].Limit, last.Edges[2].Limit}, [2]int{12, 5}) // 56 in all, 20 the largest
	equal(t, "they are used", delivering(last), []int{12, 12, 5, 5})
}

// TestAZoneIsLost: with neighbours in different zones every stream has a copy left;
// nobody is lost for whom there is room.
func TestAZoneIsLost(t *testing.T) {
	const apart = "capacity: 8\nedges: [{name: e1, zone: a}, {name: e2, zone: a}, {name: e3, zone: b}, {name: e4, zone: b}]\n"
	lines := play(t, load(t, apart+"steps:\n  - open: {stream: s, count: 12}\n  - fail: {zone: a}\n"))
	var order []string
	for _, e := range lines[0].Edges {
		order = append(order, e.Name)
	}
	equal(t, "the ring", order, []string{"e1", "e3", "e2", "e4"})
	lost := at(t, lines, "fail zone a")
	equal(t, "sessions", [2]int{lost.Sessions.Open, lost.Sessions.Lost}, [2]int{12, 0})
	for _, q := range lost.Pairs {
		if len(q.Adopted) > 0 {
			t.Errorf("%s-%s has lost both copies: %+v", q.Low, q.High, q.Adopted)
		}
	}
}

// TestALibraryStaysOpen: a thousand titles are opened by a viewer each while an edge of
// four is dead, three are, or one is drained; strict refuses them as claims 12 and 13
// say, but for the drain.
func TestALibraryStaysOpen(t *testing.T) {
	titles := ""
	for i := range 1000 {
		titles += fmt.Sprintf("  - open: {stream: title-%d, count: 1}\n", i)
	}
	for _, c := range []struct {
		happens, failSafe string
		open              int
	}{
		{"fail: e1", "room", 1000},
		{"fail: [e1, e2, e4]", "room", 1000},
		{"drain: e1", "room", 1000},
		{"fail: e1", "strict", 0},
		{"drain: e1", "strict", 1000},
	} {
		lines := play(t, load(t, "fail_safe: "+c.failSafe+"\n"+ringText(4, 1000)+"  - "+c.happens+"\n"+titles))
		equal(t, c.happens+", "+c.failSafe, lines[len(lines)-1].Sessions.Open, c.open)
	}
}
