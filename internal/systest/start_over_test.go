package systest

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// lost kills a balancer and wipes its disk.
func lost(t *testing.T, h *cluster.Harness, name string) {
	t.Helper()
	n, err := h.Node(name)
	must(t, err)
	if n.Running() {
		must(t, h.Kill(name))
	}
	must(t, os.RemoveAll(filepath.Join(n.Dir, "data")))
}

// at is the status as one balancer tells it; nil when it does not answer.
func at(h *cluster.Harness, name string) *wire.Status {
	n, err := h.Node(name)
	if err != nil {
		return nil
	}
	s := &wire.Status{}
	if cluster.Call(context.Background(), http.MethodGet, n.Admin+"/api/v1/status", nil, s) != nil {
		return nil
	}
	return s
}

// allVote is a condition: every balancer is there and votes, by the same placement.
func allVote(count int) func(*wire.Status) bool {
	return func(s *wire.Status) bool {
		for _, b := range s.Balancers {
			if !b.Alive || !b.Voter || b.Problem != "" {
				return false
			}
		}
		return s.Leader != "" && len(s.Balancers) == count
	}
}

// Balancers lose their disks, one after the other and two at once; one is back alone
// with its own; an operator orders it to go on. Viewers who are in play on, edges are
// never started anew, and no placement is empty.
//
//	tandem demo, kill -9 two balancers, rm -r their data, then tandem cluster recover
func TestBalancersLoseTheirDisks(t *testing.T) {
	t.Parallel()
	h := start(t)
	f := h.File()
	a := seat(t, h)
	a.watch(30, stored, player.Config{For: 10 * time.Minute, Buffer: 20 * time.Second, Retries: 60, Others: f.Viewers})
	before := h.Await("everybody is in", 20*time.Second, sessions(30))
	a.buffered(30, 8) // of 2 s

	lost(t, h, "lb-2")
	must(t, h.Restart("lb-2"))
	h.Await("one is let back in, and votes", 20*time.Second, allVote(3))

	// Two of three are gone, and come back empty beside the third: they can't agree
	// on anything without it, and begin nothing of their own.
	must(t, h.Kill("lb-1"))
	lost(t, h, "lb-2")
	lost(t, h, "lb-3")
	must(t, h.Restart("lb-2"))
	must(t, h.Restart("lb-3"))
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, name := range []string{"lb-2", "lb-3"} {
			if s := at(h, name); s != nil && (s.Leader != "" || s.Version > 0) {
				t.Fatalf("%s, with an empty disk, has placement %d and leader %q", name, s.Version, s.Leader)
			}
		}
	}
	// The third one is back with its disk: it serves by the placement it had, and says
	// that it can't change it.
	must(t, h.Restart("lb-1"))
	h.Await("it serves", 10*time.Second, func(*wire.Status) bool {
		s := at(h, "lb-1")
		return s != nil && s.Version >= before.Version && len(s.Edges) == len(before.Edges) && s.Leader == ""
	})
	n, err := h.Node("lb-1")
	must(t, err)
	if got := status(n.Admin + "/readyz"); got != http.StatusOK {
		t.Errorf("its /readyz says %d", got)
	}
	if out, errs, code := h.Command("cluster", "recover"); code != 2 || !strings.Contains(errs, "lb-1 would go on alone") {
		t.Errorf("without --yes: %d %s %s", code, out, errs)
	}
	if out, errs, code := h.Command("cluster", "recover", "--yes"); code != 0 || !strings.Contains(out, "lb-1 leads, alone") {
		t.Fatalf("recover: %d %s %s", code, out, errs)
	}
	_, err = h.Node("lb-1") // under another process id now
	must(t, err)
	s := h.Await("all three vote", 30*time.Second, allVote(3))
	h.Await("the edges follow", 20*time.Second, cluster.AllUp)
	if s.Version <= before.Version || s.Streams < before.Streams {
		t.Errorf("placement %d with %d streams; it was %d with %d", s.Version, s.Streams, before.Version, before.Streams)
	}
	killed(t, h, "edge-1") // the placement can be changed again
	returned(t, h, "edge-1")
	leftBehind(t, h)
	r := a.report(false)
	if r.Stalls+r.GivenUp+r.Wrong+r.StepsBack > 0 {
		t.Errorf("viewers saw it: %s", r)
	}
}

// leftBehind has one go on alone, and the others come back with their disks all the same: a
// majority by their own list. They overwrite nothing, and are let in anew.
func leftBehind(t *testing.T, h *cluster.Harness) {
	t.Helper()
	if out, _, code := h.Command("cluster", "recover", "--yes"); code == 0 {
		t.Errorf("recovered while somebody leads: %s", out)
	}
	must(t, h.Kill("lb-1"))
	must(t, h.Kill("lb-2"))
	h.Await("nobody leads", 20*time.Second, func(*wire.Status) bool { s := at(h, "lb-3"); return s != nil && s.Leader == "" })
	if out, errs, code := h.Command("cluster", "recover", "--yes"); code != 0 {
		t.Fatalf("recover: %d %s %s", code, out, errs)
	}
	_, err := h.Node("lb-3") // under another process id now
	must(t, err)
	after := h.Await("it leads", 20*time.Second, func(s *wire.Status) bool { return s.Leader == "lb-3" })
	must(t, h.Restart("lb-1"))
	must(t, h.Restart("lb-2"))
	h.Await("those who were left behind vote, by the placement of the one who was not", 40*time.Second, func(s *wire.Status) bool {
		for _, b := range s.Balancers {
			if b.Version < after.Version {
				return false
			}
		}
		return allVote(3)(s)
	})
	for _, name := range []string{"lb-1", "lb-2"} {
		n, err := h.Node(name) // under another process id now
		must(t, err)
		if _, err := os.Stat(filepath.Join(n.Dir, "data", "before-recovery", "raft.db")); err != nil {
			t.Error(err)
		}
	}
}

// All balancers lose their disks. Set up anew they are another cluster, which the
// edges follow by themselves; a backup makes it the one it was.
func TestAllBalancersAreSetUpAnew(t *testing.T) {
	t.Parallel()
	h := start(t, "--edges", "3")
	f := h.File()
	open := func(what string) {
		t.Helper()
		r := player.Play(t.Context(), player.Config{Entry: f.Viewers[0] + stored, Speed: 1000, Retries: 10}) // other keys reach the edges a moment later
		if r.Segments == 0 || r.Refused+r.GivenUp > 0 {
			t.Errorf("%s: %s", what, r)
		}
	}
	open("before")
	before := h.Await("before", 5*time.Second, cluster.AllUp)
	backup := filepath.Join(h.Dir, "backup")
	if out, errs, code := h.Command("cluster", "backup", backup); code != 0 {
		t.Fatalf("backup: %s %s", out, errs)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup holds keys and has the mode %v, %v", info.Mode(), err)
	}
	for _, name := range f.Names(cluster.RoleLB) {
		must(t, h.Kill(name))
	}
	for _, name := range f.Names(cluster.RoleLB) {
		lost(t, h, name)
		must(t, h.Restart(name))
	}
	anew := h.Await("the edges have come to the new cluster", 25*time.Second, func(s *wire.Status) bool {
		return len(s.Edges) == len(before.Edges) && cluster.AllUp(s)
	})
	if anew.Streams != 0 || anew.Version > before.Version {
		t.Errorf("the new cluster has placement %d with %d streams", anew.Version, anew.Streams)
	}
	open("in the new cluster")
	if _, errs, code := h.Command("cluster", "restore", backup); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("without --yes: %d %s", code, errs)
	}
	if out, errs, code := h.Command("cluster", "restore", backup, "--yes"); code != 0 {
		t.Fatalf("restore: %s %s", out, errs)
	}
	h.Await("it is what it was", 25*time.Second, func(s *wire.Status) bool {
		return cluster.AllUp(s) && s.Streams == before.Streams && len(s.Pairs) == len(before.Pairs) && allVote(3)(s)
	})
	open("restored")
}

// A second edge, and a second balancer, under a name that is in use are refused: they
// end and say why, and the one that serves goes on.
func TestANameInUseIsRefusedToTheNewcomer(t *testing.T) {
	t.Parallel()
	h := start(t, "--edges", "2")
	second := func(name string, changes map[string]string, remove string) (string, int) {
		n, err := h.Node(name)
		must(t, err)
		var args []string
		for i := 1; i < len(n.Args); i++ {
			if n.Args[i] == remove {
				i++
				continue
			}
			args = append(args, n.Args[i])
			if to, ok := changes[n.Args[i]]; ok {
				args = append(args, strings.Split(to, "\x00")...)
				i++
			}
		}
		_, errs, code := cluster.CommandFor(t, 15*time.Second, args...)
		return errs, code
	}
	if errs, code := second("edge-1", map[string]string{"--listen": "127.0.0.1:0", "--admin-listen": "127.0.0.1:0", "--data": t.TempDir()}, ""); code != 1 || !strings.Contains(errs, "another edge named edge-1 serves at") {
		t.Errorf("a second edge-1: exit %d, %s", code, errs)
	}
	f := h.File()
	errs, _ := second("lb-2", map[string]string{
		"--listen": "127.0.0.1:0", "--admin-listen": "127.0.0.1:0", "--raft-listen": "127.0.0.1:0", "--data": t.TempDir(), "--name": "lb-2\x00--join\x00" + f.Viewers[0],
	}, "--peers")
	if !strings.Contains(errs, "another balancer named lb-2 serves at") {
		t.Errorf("a second lb-2: %s", errs)
	}
	for _, name := range []string{"edge-1", "lb-2"} {
		if n, err := h.Node(name); err != nil || !n.Running() {
			t.Errorf("%s, which served, has ended", name)
		}
	}
	h.Await("all is as it was", 5*time.Second, func(s *wire.Status) bool {
		for _, e := range s.Edges {
			if n := f.Node(e.Name); e.HTTP != n.HTTP {
				return false
			}
		}
		return cluster.AllUp(s) && allVote(3)(s)
	})
}
