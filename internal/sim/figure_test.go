package sim

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.ndjson anew")

// golden compares a run with the answer that is kept beside the scenario.
func golden(t *testing.T, name string) []Line {
	t.Helper()
	lines := play(t, loadFile(t, "testdata/"+name+".yaml"))
	got, path := ndjson(t, lines), "testdata/"+name+".ndjson"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%swant\n%s", path, got, want)
	}
	return lines
}

func TestFigures16And17And16Again(t *testing.T) {
	lines := golden(t, "figure16")
	six, eight := []int{6, 6, 6, 6}, []int{0, 8, 8, 8}
	start := &lines[0]
	equal(t, "figure 16 delivers", delivering(start), six)
	equal(t, "figure 16 boundaries", boundaries(start), []int{4, 4, 4, 4})
	equal(t, "the 25th viewer", at(t, lines, "open s1 1").Sessions, Sessions{Open: 24, Refused: 1})

	dead := at(t, lines, "fail e1")
	equal(t, "figure 17 delivers", delivering(dead), eight)
	equal(t, "figure 17 boundaries", boundaries(dead), []int{0, 2, 4, 8})
	equal(t, "figure 17 sessions", dead.Sessions, Sessions{Open: 24, Moved: 8})
	equal(t, "a new stream while edges stand in", at(t, lines, "open s2 1").Sessions, Sessions{Open: 24, Refused: 1})

	back := at(t, lines, "recover e1")
	equal(t, "back: delivers", delivering(back), six)
	equal(t, "back: boundaries", boundaries(back), []int{4, 4, 4, 4})
	equal(t, "back: sessions", back.Sessions, Sessions{Open: 24, Moved: 8})
	last := &lines[len(lines)-1]
	equal(t, "one left, one came", last.Sessions, Sessions{Open: 24})
	equal(t, "one left, one came", delivering(last), six)
}

func TestFigure12NothingMovesWhileAllAreThere(t *testing.T) {
	lines := golden(t, "figure12")
	equal(t, "low and high", delivering(&lines[1])[:2], []int{3, 2})
	equal(t, "moved", lines[1].Sessions.Moved, 0)
}

func TestFigure13HighDeliversAllOfSilentLow(t *testing.T) {
	lines := golden(t, "figure13")
	dead := at(t, lines, "fail low")
	equal(t, "boundary in low's view", dead.Pairs[0].Boundary, 0)
	equal(t, "high delivers", dead.Pairs[0].HighDelivering, 5)
	equal(t, "moved", dead.Sessions.Moved, 3)
	equal(t, "back", at(t, lines, "recover low").Pairs, lines[0].Pairs)
}

func TestFigure14OverflowGoesToTheFurtherNeighbour(t *testing.T) {
	lines := golden(t, "figure14")
	dead := at(t, lines, "fail e1")
	equal(t, "boundaries", boundaries(dead)[:2], []int{0, 1})
	equal(t, "e2 and e3", delivering(dead)[1:], []int{8, 2})
	equal(t, "lost", dead.Sessions.Lost, 0)
	equal(t, "back", at(t, lines, "recover e1").Pairs, lines[0].Pairs)
}
