package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// operation is what a client asked; outcome is what it heard. unsure: it heard
// nothing, so it may have become true or not, at any later time.
type operation struct {
	pair       wire.PairID
	kind       placement.Kind // MoveBoundary, Place, or "" for a look behind a barrier
	before, to int
	stream     string
}

type outcome struct {
	unsure   bool
	moved    bool // MoveBoundary: it held
	boundary int  // a look
	streams  int  // a look: how many of the pair's streams are there, as bits
}

// pairState is one pair as a single machine would hold it.
type pairState struct{ boundary, streams int }

var pairModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byPair := map[wire.PairID][]porcupine.Operation{}
		for _, op := range history {
			id := op.Input.(operation).pair
			byPair[id] = append(byPair[id], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byPair {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return pairState{boundary: 500} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(pairState), input.(operation), output.(outcome)
		switch in.kind {
		case placement.MoveBoundary:
			holds := s.boundary == in.before
			if !out.unsure && out.moved != holds {
				return false, s
			}
			if holds {
				s.boundary = in.to
			}
		case placement.Place:
			s.streams |= streamBit(in.stream)
		default:
			return out.unsure || out.boundary == s.boundary && out.streams == s.streams, s
		}
		return true, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

func streamBit(name string) int { return 1 << (name[len(name)-2] - '0') }

// recorder is the history of all clients.
type recorder struct {
	mu      sync.Mutex
	history []porcupine.Operation // guarded by mu
}

func (r *recorder) add(client int, in operation, began int64, out outcome) {
	ended := time.Now().UnixNano()
	if out.unsure {
		ended = math.MaxInt64
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: client, Input: in, Call: began, Output: out, Return: ended})
}

// Clients move boundaries, place streams and look, while the lead changes hands
// and a leader is killed and started again. What they heard has to be what a
// single machine could have said.
func TestTheHistoryIsThatOfOneMachine(t *testing.T) {
	checkHistory(t, rand.Uint64(), disturb)
}

// The same over killed balancers, over ones that have lost their disks and are let in anew,
// and over ones that come back at another address, leaders among them, in any order.
//
//	make histories (TANDEM_HISTORIES=50 seeds from TANDEM_HISTORIES_SEED on)
func TestTheHistoryIsThatOfOneMachineOverWipes(t *testing.T) {
	count, _ := strconv.Atoi(os.Getenv("TANDEM_HISTORIES"))
	if count == 0 {
		t.Skip("make histories")
	}
	from, err := strconv.ParseUint(os.Getenv("TANDEM_HISTORIES_SEED"), 10, 64)
	if err != nil {
		from = rand.Uint64N(1 << 32)
	}
	for seed := from; seed < from+uint64(count); seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, seed))
			checkHistory(t, seed, func(c *cluster, nodes *sync.Map, done *atomic.Int64) { wreck(c, nodes, done, rng) })
		})
	}
}

// checkHistory lets four clients work while the cluster is disturbed, and checks what they
// have heard.
func checkHistory(t *testing.T, seed uint64, disturb func(c *cluster, nodes *sync.Map, done *atomic.Int64)) {
	t.Helper()
	t.Logf("seed %d", seed)
	c := newCluster(t, 3)
	for i := 1; i <= 2; i++ {
		e := up(fmt.Sprintf("e%d", i), 1)
		e.Edge.Capacity = 1000
		c.must(e)
	}
	var nodes sync.Map // name -> *Node; what of the cluster the clients see
	for name, n := range c.nodes {
		nodes.Store(name, n)
	}
	rec := &recorder{}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var clients sync.WaitGroup
	var done atomic.Int64
	for client := range 4 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(client)))
			for i := 0; ctx.Err() == nil; i++ {
				ask(ctx, client*1_000_000+i, rng, &nodes, rec)
				done.Add(1)
			}
		})
	}
	disturb(c, &nodes, &done)
	stop()
	clients.Wait()
	sure := 0
	for _, op := range rec.history {
		if !op.Output.(outcome).unsure {
			sure++
		}
	}
	t.Logf("%d operations, %d of them answered", len(rec.history), sure)
	if sure < 50 {
		t.Fatal("too little has happened to prove anything")
	}
	if result, info := porcupine.CheckOperationsVerbose(pairModel, rec.history, 20*time.Second); result != porcupine.Ok {
		path := t.TempDir() + "/history.html"
		_ = porcupine.VisualizePath(pairModel, info, path)
		t.Fatalf("seed %d: %s (%s)", seed, result, path)
	}
}

// disturb changes the lead, and kills leaders, each time enough has happened: not
// when enough time has gone.
func disturb(c *cluster, nodes *sync.Map, done *atomic.Int64) {
	work := func() { await(done, 100) }
	for round := range 4 {
		work()
		leader := c.leader()
		if round%2 == 0 {
			_ = leader.raft.LeadershipTransfer().Error()
			continue
		}
		nodes.Delete(leader.Name())
		c.kill(leader.Name())
		nodes.Store(leader.Name(), c.restart(leader.Name()))
	}
	work()
}

// await waits until so many more operations are over.
func await(done *atomic.Int64, more int64) {
	for enough := done.Load() + more; done.Load() < enough; {
		time.Sleep(5 * time.Millisecond)
	}
}

// wreck kills balancers, whoever they are, which come back with their disks or without, or
// lets the lead change hands, each time enough has happened.
func wreck(c *cluster, nodes *sync.Map, done *atomic.Int64, rng *rand.Rand) {
	kill := func(name string) {
		nodes.Delete(name)
		c.kill(name)
	}
	back := func(name string, wiped bool) {
		if wiped {
			nodes.Store(name, c.lose(name))
		} else {
			nodes.Store(name, c.restart(name))
		}
		introduce(c)
	}
	elsewhere := func(name string) {
		l := listen(c.t)
		i := slices.IndexFunc(c.peers, func(p wire.Balancer) bool { return p.Name == name })
		c.peers = slices.Clone(c.peers) // nodes hold the one before
		c.peers[i].Raft = l.Addr().String()
		nodes.Store(name, c.start(name, l, c.peers))
		introduce(c)
	}
	for range 4 {
		await(done, 30+rng.Int64N(100))
		order := rng.Perm(len(c.peers))
		one, two, three := c.peers[order[0]].Name, c.peers[order[1]].Name, c.peers[order[2]].Name
		switch rng.IntN(6) {
		case 0:
			_ = c.leader().raft.LeadershipTransfer().Error()
		case 1:
			kill(one)
			await(done, rng.Int64N(60))
			back(one, false)
		case 2:
			kill(one)
			await(done, rng.Int64N(60))
			back(one, true)
			admitAnew(c, one)
		case 3:
			kill(one)
			await(done, rng.Int64N(60))
			elsewhere(one)
		case 4: // nobody is where the others' disks say
			kill(one)
			kill(two)
			kill(three)
			elsewhere(three)
			elsewhere(one)
			elsewhere(two)
		default: // one has missed what the other two have committed, one of those forgets it, the other is away
			kill(one)
			await(done, 40)
			kill(two)
			kill(three)
			back(one, false)
			back(two, true)
			await(done, 20) // unheard
			back(three, false)
			admitAnew(c, two)
		}
	}
	await(done, 100)
}

// introduce tells each node where the others are, as the balancers' pings do.
func introduce(c *cluster) {
	for _, n := range c.nodes {
		for _, other := range c.nodes {
			n.Heard(other.Name(), other.RaftAddr(), "")
		}
	}
}

// admitAnew takes a balancer with an empty disk in anew, until it votes.
func admitAnew(c *cluster, name string) {
	c.t.Helper()
	eventually(c.t, 20*time.Second, name+" is let in", func() bool {
		return c.leader().Admit(c.t.Context(), c.addressed(name), true) == nil
	})
	c.nodes[name].Learn()
	eventually(c.t, 20*time.Second, name+" votes", func() bool {
		_, err := c.leader().Promote(c.t.Context())
		return err == nil && slices.Contains(c.leader().Voters(), name)
	})
}

// ask is one operation of one client, at whatever node it believes to lead.
func ask(ctx context.Context, id int, rng *rand.Rand, nodes *sync.Map, rec *recorder) {
	var n *Node
	nodes.Range(func(_, v any) bool {
		if node := v.(*Node); node.IsLeader() || n == nil && rng.IntN(3) == 0 {
			n = node
		}
		return true
	})
	if n == nil {
		return
	}
	in := operation{pair: wire.PairID(1 + rng.IntN(2))}
	q, _ := n.Placement().Pair(in.pair)
	if q == nil {
		return
	}
	command := placement.Command{Pair: in.pair, ID: fmt.Sprint("op-", id)}
	switch rng.IntN(4) {
	case 0, 1:
		in.kind, in.before, in.to = placement.MoveBoundary, q.Boundary, rng.IntN(1000)
		command.Kind, command.Before, command.Boundary = in.kind, in.before, in.to
	case 2:
		in.kind, in.stream = placement.Place, fmt.Sprintf("/s%d/", rng.IntN(6))
		command.Kind, command.Stream = in.kind, in.stream
	}
	began := time.Now().UnixNano()
	short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	var out outcome
	var err error
	if in.kind == "" {
		if err = n.Barrier(short); err == nil {
			out = look(n.Placement(), in.pair)
		}
	} else {
		var r placement.Result
		r, err = n.Propose(short, command)
		out.moved = err == nil && r.Err == ""
	}
	switch {
	case errors.Is(err, ErrNotLeader), errors.Is(err, ErrClosed):
		time.Sleep(5 * time.Millisecond) // nothing happened; somebody else will lead
		return
	case err != nil && in.kind == "":
		return
	case err != nil:
		out.unsure = true
	}
	rec.add(id/1_000_000, in, began, out)
}

func look(p *wire.Placement, id wire.PairID) outcome {
	var out outcome
	q, _ := p.Pair(id)
	out.boundary = q.Boundary
	for s := range p.Streams.All() {
		for _, on := range s.Pairs {
			if on == id {
				out.streams |= streamBit(s.Stream)
			}
		}
	}
	return out
}
