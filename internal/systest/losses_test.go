package systest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Any one, two or all balancers lose their process, their disk or their address, in any
// order, and come back in any other, under 60 viewers. What plays goes on, edges are
// never started anew, no placement is lost or empty, and the cluster is back with one
// documented command at the most: recover where the majority lost its disks, restore
// where all did. What clients are told meanwhile: make histories.
//
//	make losses (TANDEM_LOSSES=50 seeds, from TANDEM_LOSSES_SEED on)
func TestBalancersLoseAnything(t *testing.T) {
	text := os.Getenv("TANDEM_LOSSES")
	if text == "" {
		t.Skip("make losses: half a minute for a seed")
	}
	seeds, err := strconv.Atoi(text)
	must(t, err)
	first := rand.Uint64N(1 << 32)
	if text := os.Getenv("TANDEM_LOSSES_SEED"); text != "" {
		first, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	for seed := first; seed < first+uint64(seeds); seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			l := &losses{t: t, h: start(t), rng: rand.New(rand.NewPCG(seed, seed))}
			l.run()
		})
	}
}

// What a balancer can lose. Its viewers' address stays: that is a name, or moves by
// itself (docs/deploy.md).
const (
	ofProcess = "process"
	ofDisk    = "disk"
	ofAddress = "address" // it is reached by the others elsewhere
)

type losses struct {
	t      *testing.T
	h      *cluster.Harness
	rng    *rand.Rand
	backup string

	mu    sync.Mutex
	least map[string]uint64 // guarded by mu: by balancer, the version that its process has shown
	lives map[string]int    // guarded by mu: by balancer, how often it was ended
	shown uint64            // guarded by mu: the newest that anybody has
	wrong []string          // guarded by mu: what must never be told
	anew  bool              // guarded by mu: all disks are lost, so that an empty placement is one
}

func (l *losses) run() {
	const buffered = 10 * time.Second
	l.least, l.lives = map[string]uint64{}, map[string]int{}
	l.backup = filepath.Join(l.h.Dir, "backup")
	f := l.h.File()
	a := seat(l.t, l.h)
	a.watch(60, stored, player.Config{For: 10 * time.Minute, Buffer: buffered, Retries: 60, Others: f.Viewers})
	before := l.h.Await("everybody is in", 30*time.Second, sessions(60))
	edges := l.pids()
	ctx, stop := context.WithCancel(l.t.Context())
	var looks sync.WaitGroup
	for _, name := range theBalancers {
		looks.Go(func() { l.look(ctx, name) })
	}
	for step := range 3 {
		l.step(step, before)
	}
	time.Sleep(buffered) // who does not go on stands by then
	stop()
	looks.Wait()
	for _, text := range l.wrong {
		l.t.Error(text)
	}
	if now := l.pids(); !slices.Equal(now, edges) {
		l.t.Errorf("edges were started anew: %v, then %v", edges, now)
	}
	if r := a.report(false); r.Stalls+r.GivenUp+r.Wrong+r.StepsBack+r.Refused > 0 {
		l.t.Errorf("viewers saw it: %s", r)
	}
}

// pids are the processes of the edges that run.
func (l *losses) pids() (pids []int) {
	for _, name := range theEdges {
		n, err := l.h.Node(name)
		must(l.t, err)
		if n.Running() {
			pids = append(pids, n.PID)
		}
	}
	return pids
}

// look asks one balancer again and again: a placement that it shows is never older than
// one that this process has shown, and never empty where it votes. (One that was killed
// may begin with what it had 250 ms before; one without a disk sees all from the first on.)
func (l *losses) look(ctx context.Context, name string) {
	for ctx.Err() == nil {
		l.mu.Lock()
		life := l.lives[name]
		l.mu.Unlock()
		s := at(l.h, name)
		l.mu.Lock()
		switch {
		case s == nil || s.Version == 0:
		case life != l.lives[name]: // said by a process that is gone
		case s.Version < l.least[name]:
			l.wrong = append(l.wrong, fmt.Sprintf("%s has gone back from placement %d to %d", name, l.least[name], s.Version))
			l.least[name] = s.Version
		case s.Streams == 0 && !l.anew && allVote(len(theBalancers))(s):
			l.wrong = append(l.wrong, fmt.Sprintf("%s shows an empty placement %d", name, s.Version))
		default:
			l.least[name] = s.Version
		}
		if s != nil {
			l.shown = max(l.shown, s.Version)
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// step has some balancers lose something, and waits until all is as it was.
func (l *losses) step(step int, before *wire.Status) {
	l.command("cluster", "backup", l.backup)
	names := slices.Clone(theBalancers)
	l.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+l.rng.IntN(3)]
	lost := map[string]string{}
	var did []string
	all := l.rng.IntN(3) == 0 // the same
	for i, name := range names {
		lost[name] = []string{ofProcess, ofDisk, ofAddress}[l.rng.IntN(3)]
		if all && i > 0 {
			lost[name] = lost[names[0]]
		}
		did = append(did, name+" "+lost[name])
	}
	disks := 0
	for _, what := range lost {
		if what == ofDisk {
			disks++
		}
	}
	l.t.Logf("step %d: %s", step, strings.Join(did, ", "))
	l.mu.Lock()
	l.anew = disks == len(theBalancers)
	l.mu.Unlock()
	for _, name := range names {
		l.lose(name, lost[name])
		l.wait(500)
	}
	l.rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names {
		must(l.t, l.h.Restart(name))
		l.wait(1000)
	}
	l.mend(disks)
	l.h.Await("all three vote, by what each says itself", 40*time.Second, func(s *wire.Status) bool {
		return !slices.ContainsFunc(theBalancers, func(name string) bool {
			own := at(l.h, name)
			return own == nil || own.Version < s.Version || !allVote(len(theBalancers))(own)
		})
	})
	l.mu.Lock()
	shown := l.shown
	l.mu.Unlock()
	now := l.h.Await("all is as it was", 40*time.Second, func(s *wire.Status) bool {
		return s.Version >= shown && cluster.AllUp(s) && len(s.Edges) == len(theEdges) && s.Streams >= before.Streams && s.Sessions == before.Sessions
	})
	if len(now.Pairs) != len(before.Pairs) {
		l.t.Errorf("%d pairs; there were %d", len(now.Pairs), len(before.Pairs))
	}
	l.mu.Lock()
	l.anew = false
	l.mu.Unlock()
}

func (l *losses) wait(most int) { time.Sleep(time.Duration(l.rng.IntN(most)) * time.Millisecond) }

// lose ends a balancer's process, and takes from it what else it loses.
func (l *losses) lose(name, what string) {
	must(l.t, l.h.Kill(name))
	l.mu.Lock()
	l.least[name] = 0
	l.lives[name]++
	l.mu.Unlock()
	switch what {
	case ofDisk:
		lost(l.t, l.h, name)
	case ofAddress:
		ports, err := cluster.Ports(1)
		must(l.t, err)
		f := l.h.File()
		n := f.Node(name)
		listen, peers := slices.Index(n.Args, "--raft-listen")+1, slices.Index(n.Args, "--peers")+1
		// What it says of itself; the others are not told.
		n.Args[peers] = strings.Replace(n.Args[peers], name+"="+n.Args[listen], name+"="+address(ports[0]), 1)
		n.Args[listen] = address(ports[0])
		must(l.t, f.Write(filepath.Join(l.h.Dir, "cluster.json")))
	}
}

// mend gives the one command that the loss of so many disks takes.
func (l *losses) mend(disks int) {
	switch disks {
	case 2:
		// Nobody leads, and the one that has its disk says what is wrong.
		l.h.Await("it serves, and nobody leads", 20*time.Second, func(*wire.Status) bool {
			return slices.ContainsFunc(theBalancers, func(name string) bool {
				own := at(l.h, name)
				return own != nil && own.Leader == "" && own.Streams > 0
			})
		})
		l.command("cluster", "recover", "--yes")
	case 3:
		l.h.Await("another cluster leads", 30*time.Second, func(s *wire.Status) bool { return s.Leader != "" })
		l.command("cluster", "restore", l.backup, "--yes")
		l.mu.Lock()
		l.anew = false
		clear(l.least)
		l.mu.Unlock()
	}
}

// command is one that has to succeed.
func (l *losses) command(args ...string) {
	l.t.Helper()
	if out, errs, code := l.h.Command(args...); code != 0 {
		l.t.Fatalf("tandem %s: exit %d, %s %s", strings.Join(args, " "), code, out, errs)
	}
}
