package placement

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

var update = flag.Bool("update", false, "write testdata anew")

// golden is a state that uses every part of the format.
func golden(t testing.TB) *State {
	s := four(t)
	s.must(Command{Kind: Balancer, Balancer: &wire.Balancer{Name: "lb-1", HTTP: "http://lb-1", Admin: "http://admin.lb-1", Raft: "lb-1:7000"}})
	s.must(Command{Kind: Purge, ID: "purge-1", By: "admin", Purge: &wire.Purge{Prefix: "/sample/", Exact: true}})
	loads := full(s.state.Placement())
	s.must(Command{Kind: EdgeDown, ID: "down-1", Name: "e1", Incarnation: 1, By: "lb-1", Cause: "silent", Loads: loads})
	s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1, Loads: []ring.Load{{Pair: 1, Taken: []wire.Run{{From: 0, To: 3}}}}})
	s.must(up("e5", 1))
	s.must(Command{Kind: Remove, Name: "e2"})
	s.must(Command{Kind: Left, Name: "e2", Version: s.edge("e2").Since})
	s.must(Command{Kind: Remove, Name: "e1"})
	if r := s.do(Command{Kind: Drain, ID: "bad", Name: "e9"}); r.Err == "" {
		t.Fatal(r)
	}
	return s.state
}

// A snapshot of the first version stays readable, and is written the same.
func TestTheFormatStays(t *testing.T) {
	path := filepath.Join("testdata", "v1", "golden.snapshot")
	want := imageOf(t, golden(t))
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, want, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("this build writes other bytes than %s (go test ./raftfsm/placement -run Format -update; a new format needs a new version)\n%s\n%s", path, have, want)
	}
	s, err := ReadState(bytes.NewReader(have))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(imageOf(t, s), have) {
		t.Error("read and written again it is another one")
	}
	if r := s.Apply(s.Placement().Version+1, []byte(`{"kind":"drain","id":"bad","name":"e3"}`)); !r.Again || r.Code != "unknown" {
		t.Errorf("answers were forgotten: %+v", r)
	}
}

func TestDamagedSnapshots(t *testing.T) {
	good := imageOf(t, golden(t))
	change := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, c := range map[string]struct {
		b    []byte
		kind error
		says string
	}{
		"empty":         {nil, ErrSnapshot, "cut short"},
		"cut":           {good[:len(good)-7], ErrSnapshot, "bytes of"},
		"foreign":       {change(func(b []byte) []byte { b[0] = 'X'; return b }), ErrSnapshot, "TANDEMP1"},
		"older":         {change(func(b []byte) []byte { b[8] = 0; return b }), ErrSnapshotVersion, "snapshot version 0 is not readable by this build (want 1)"},
		"newer":         {change(func(b []byte) []byte { b[8] = 2; return b }), ErrSnapshotVersion, "snapshot version 2"},
		"flipped":       {change(func(b []byte) []byte { b[len(b)-20] ^= 1; return b }), ErrSnapshot, "checksum"},
		"flipped sum":   {change(func(b []byte) []byte { b[20] ^= 1; return b }), ErrSnapshot, "checksum"},
		"endless":       {change(func(b []byte) []byte { b[9] = 0xff; return b }), ErrSnapshot, "at most"},
		"longer":        {append(bytes.Clone(good), 'x'), ErrSnapshot, "goes on"},
		"without sense": {framed(`{"placement":{"version":3,"admission":"failsafe","edges":[],"pairs":[{"id":1,"low":"x"}]}}`), ErrSnapshot, "unknown edge"},
	} {
		_, err := ReadState(bytes.NewReader(c.b))
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func framed(body string) []byte { return append(snapshotHeadOf([]byte(body)), body...) }

func FuzzReadState(f *testing.F) {
	f.Add([]byte(`{"placement":{"version":1,"admission":"failsafe","edges":[],"pairs":[]}}`))
	f.Add([]byte(`{"placement":{"edges":null},"answers":[{"id":"a"},{"id":"a"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := ReadState(bytes.NewReader(framed(string(body))))
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		again, err := ReadState(bytes.NewReader(imageOf(t, s)))
		if err != nil || !bytes.Equal(imageOf(t, s), imageOf(t, again)) {
			t.Fatalf("not the same again: %v", err)
		}
	})
}
