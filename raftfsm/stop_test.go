package raftfsm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// nodeEnv makes the test binary a node: "NAME DIR NAME=ADDRESS,...". With paceEnv each
// of its clients waits for so long between two commands.
const (
	nodeEnv = "TANDEM_TEST_NODE"
	paceEnv = "TANDEM_TEST_PACE"
)

// A leader that is halted for longer than it takes to elect another one, and
// goes on, again and again while clients propose: what was committed when it went
// on is on every node a second later, and in the end each process ends within 5 s
// of SIGTERM. These are processes, since nothing else stops as a whole.
func TestLeadersThatAreHaltedAndGoOn(t *testing.T) { haltLeaders(t, 0) }

// The same with what was seen to park a leader for ever: 1.6 s each time.
//
//	make halts (TANDEM_HALTS=100 clusters, four at a time)
func TestLeadersThatAreHaltedOften(t *testing.T) {
	count, _ := strconv.Atoi(os.Getenv("TANDEM_HALTS"))
	if count == 0 {
		t.Skip("make halts")
	}
	t.Setenv(paceEnv, "20ms") // beside three other clusters
	for i := range count {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			t.Parallel()
			haltLeaders(t, 1600*time.Millisecond)
		})
	}
}

// haltLeaders halts whoever leads 16 times, each until another one leads and has
// committed, and for that long at least.
func haltLeaders(t *testing.T, least time.Duration) {
	nodes := startProcesses(t, 3)
	var late, end time.Duration
	for round := range 16 {
		leader := nodes.awaitLeader(t, "")
		must(t, leader.cmd.Process.Signal(syscall.SIGSTOP))
		over := time.Now().Add(least)
		other := nodes.awaitLeader(t, leader.name)
		nodes.awaitCommit(t, other, other.get().commit+50)
		time.Sleep(time.Until(over))
		want := other.get().commit
		must(t, leader.cmd.Process.Signal(syscall.SIGCONT))
		began := time.Now()
		nodes.awaitApplied(t, want, time.Second, fmt.Sprintf("round %d, %s halted", round, leader.name))
		late = max(late, time.Since(began))
	}
	began := time.Now()
	for _, n := range nodes {
		must(t, n.cmd.Process.Signal(syscall.SIGTERM))
	}
	for _, n := range nodes {
		n.endsWithin(t, 5*time.Second)
		end = time.Since(began)
	}
	t.Logf("all had everything %s after it went on at the latest; ended %s after SIGTERM", late.Round(time.Millisecond), end.Round(time.Millisecond))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// told is what a node says of itself.
type told struct {
	leads           bool
	applied, commit uint64
}

// process is one node in a process of its own.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan error

	mu   sync.Mutex
	last told // guarded by mu
}

func (p *process) get() told {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// hear reads what the node tells, a line each few milliseconds.
func (p *process) hear(from io.Reader) {
	for lines := bufio.NewScanner(from); lines.Scan(); {
		var s told
		if _, err := fmt.Sscan(lines.Text(), &s.leads, &s.applied, &s.commit); err != nil {
			continue
		}
		p.mu.Lock()
		p.last = s
		p.mu.Unlock()
	}
	p.ended <- p.cmd.Wait()
}

func (p *process) endsWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	case <-time.After(limit):
		t.Errorf("%s still runs %s after SIGTERM", p.name, limit)
	}
}

type processes []*process

func startProcesses(t *testing.T, count int) processes {
	t.Helper()
	dir := t.TempDir()
	peers := make([]string, count)
	for i := range peers {
		l := listen(t)
		peers[i] = fmt.Sprintf("lb-%d=%s", i+1, l.Addr())
		l.Close()
	}
	var all processes
	for i := range peers {
		p := &process{name: fmt.Sprintf("lb-%d", i+1), ended: make(chan error, 1)}
		p.cmd = exec.Command(os.Args[0], "-test.run=^TestNodeProcess$")
		p.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", nodeEnv, p.name, filepath.Join(dir, p.name), strings.Join(peers, ",")))
		p.cmd.Stderr = os.Stderr
		out, err := p.cmd.StdoutPipe()
		must(t, err)
		must(t, p.cmd.Start())
		t.Cleanup(func() { _ = p.cmd.Process.Kill() })
		go p.hear(out)
		all = append(all, p)
	}
	return all
}

// awaitLeader waits until one that is not except says that it leads.
func (all processes) awaitLeader(t *testing.T, except string) *process {
	t.Helper()
	var leader *process
	eventually(t, 10*time.Second, "a leader", func() bool {
		for _, p := range all {
			if p.name != except && p.get().leads {
				leader = p
			}
		}
		return leader != nil
	})
	return leader
}

func (all processes) awaitCommit(t *testing.T, at *process, index uint64) {
	t.Helper()
	eventually(t, 10*time.Second, "commits at "+at.name, func() bool {
		for _, p := range all {
			if p.get().commit >= index {
				return true
			}
		}
		return false
	})
}

func (all processes) awaitApplied(t *testing.T, index uint64, limit time.Duration, what string) {
	t.Helper()
	for _, p := range all {
		eventually(t, limit, fmt.Sprintf("%s: %s has what was committed", what, p.name), func() bool { return p.get().applied >= index })
	}
}

func eventually(t testing.TB, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after %s: %s", limit, what)
		}
	}
}

// TestNodeProcess is a node with four clients, in a process of its own; as a test
// it does nothing.
func TestNodeProcess(t *testing.T) {
	order := strings.Fields(os.Getenv(nodeEnv))
	if len(order) != 3 {
		t.Skip("only as a process of another test")
	}
	cfg := Config{
		Name: order[0], Dir: order[1], Secret: secretOf(t, testSecret), Logger: zerolog.Nop(), noSync: true,
		Heartbeat: 200 * time.Millisecond, Election: 200 * time.Millisecond, Lease: 150 * time.Millisecond,
	}
	for peer := range strings.SplitSeq(order[2], ",") {
		name, addr, _ := strings.Cut(peer, "=")
		cfg.Peers = append(cfg.Peers, wire.Balancer{Name: name, Raft: addr})
	}
	n, err := Open(cfg)
	must(t, err)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	_, _ = n.Propose(ctx, up("e1", 1))
	var clients sync.WaitGroup
	pace, _ := time.ParseDuration(os.Getenv(paceEnv))
	for client := range 4 {
		clients.Go(func() { propose(ctx, n, client, pace) })
	}
	for tick := time.NewTicker(5 * time.Millisecond); ctx.Err() == nil; <-tick.C {
		fmt.Println(n.IsLeader(), n.raft.AppliedIndex(), n.raft.CommitIndex())
	}
	clients.Wait()
	must(t, n.Close())
}

// propose is a client that asks its own node whenever that one leads.
func propose(ctx context.Context, n *Node, client int, pace time.Duration) {
	for i := 0; ctx.Err() == nil; i++ {
		short, cancel := context.WithTimeout(ctx, time.Second)
		_, err := n.Propose(short, placement.Command{Kind: placement.Place, Stream: fmt.Sprintf("/s%d-%d/", client, i%20), Pair: 1})
		cancel()
		if errors.Is(err, ErrNotLeader) {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(pace)
	}
}
