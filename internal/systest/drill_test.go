package systest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/call"
	"tandem/internal/cluster"
	"tandem/internal/identity"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// TestDrill lets random faults happen, one edge away at most, and any balancer
// but the viewers' own, while stored and live streams are watched by players
// that never try again. Nobody sees anything, and the cluster is afterwards as
// it was.
//
//	TANDEM_DRILL=10m TANDEM_DRILL_SEED=7 go test ./internal/systest -run TestDrill -v -timeout 20m
//
// 60 watch, or 200 where TANDEM_DRILL is given.
func TestDrill(t *testing.T) {
	length, viewers, seed := drillSize(t)
	t.Logf("TANDEM_DRILL_SEED=%d: %s, %d viewers", seed, length, viewers)

	// Three of the four edges can deliver to everybody, and a tenth more.
	h := start(t, "--capacity", strconv.Itoa(viewers*11/30+2))
	d := &drill{t: t, h: h, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), began: time.Now(), happened: map[string]int{}, places: map[bool]*sync.Mutex{true: {}, false: {}}}
	t.Cleanup(d.keep)
	crowd := d.seat(viewers)
	d.crowd = crowd
	crowd.held.openedAt(everybody(t, h, viewers))
	crowd.further(viewers) // buffers fill
	warm, err := d.resources()
	must(t, err)
	d.note("begins")
	looks := lookNowAndThen(crowd, seed)
	d.run(length)
	h.Await("all is up", 40*time.Second, cluster.AllUp)
	awaitBalancers(h, 3)
	crowd.further(viewers)
	d.tablesAgree()
	t.Logf("sessions were what viewers hold: %s", looks.end(int(length/(3*time.Second))))
	d.same("with all viewers there", warm)
	reports := crowd.leave()
	d.same("after they have left", warm)
	d.judge(reports, length)
}

// drillSize is what the environment asks for.
func drillSize(t *testing.T) (length time.Duration, viewers int, seed uint64) {
	length, viewers, seed = 20*time.Second, 60, uint64(time.Now().UnixNano())
	var wrong error
	if text := os.Getenv("TANDEM_DRILL"); text != "" {
		viewers = 200
		length, wrong = time.ParseDuration(text)
	}
	if text := os.Getenv("TANDEM_DRILL_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	must(t, wrong)
	return length, viewers, seed
}

// drill is the faults of one run.
type drill struct {
	t      *testing.T
	h      *cluster.Harness
	seed   uint64
	random *rand.Rand // owned by run
	began  time.Time
	crowd  *alone
	wg     sync.WaitGroup       // faults under way
	places map[bool]*sync.Mutex // held while an edge (true) or a balancer (false) is away

	mu       sync.Mutex
	history  []string       // guarded by mu
	happened map[string]int // faults by kind; guarded by mu
	failed   error          // the first fault that did not end as it has to; guarded by mu
}

// seat lets half of the viewers watch what is stored, at 1 to 2 times its speed,
// and half the live channel; each has 4 to 10 s in hand and no further try.
func (d *drill) seat(viewers int) *alone {
	random := rand.New(rand.NewPCG(d.seed, 1))
	return apart(seat(d.t, d.h), viewers, func(i int) (string, player.Config) {
		cfg := player.Config{For: 24 * time.Hour, Rendition: i, Start: 3 * i}
		ahead := 4*time.Second + time.Duration(random.Int64N(int64(6*time.Second)))
		if i%2 == 0 {
			cfg.Buffer = ahead
			return "/live/master.m3u8", cfg
		}
		cfg.Speed = 1 + random.Float64()
		cfg.Buffer = time.Duration(float64(ahead) * cfg.Speed)
		return stored, cfg
	})
}

// run lets faults happen for so long, one every 3 to 6 s, and returns when what
// they did has been undone.
func (d *drill) run(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(d.between(3*time.Second, 6*time.Second))
		d.pick()
	}
	d.wg.Wait()
	d.note("ends")
	if d.failed != nil {
		d.t.Error(d.failed)
	}
}

func (d *drill) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.random.Int64N(int64(most-least)))
}

// kind is one kind of fault at one node.
type kind struct {
	name       string
	weight     int // of 14
	node       string
	lasts      time.Duration
	begin, end func(node string) error
}

// pick begins one fault that may happen now: a second edge is never taken away,
// nor a second balancer, nor the viewers' own.
func (d *drill) pick() {
	s, err := d.h.Status()
	if err != nil {
		d.note("no fault: %v", err)
		return
	}
	edge := s.Edges[d.random.IntN(len(s.Edges))].Name
	other := []string{"lb-2", "lb-3"}[d.random.IntN(2)]
	away, still, work := d.between(2*time.Second, 5*time.Second), d.between(time.Second, 4*time.Second), d.between(2*time.Second, 5*time.Second)
	kinds := []kind{
		{"kill", 3, edge, away, d.h.Kill, d.h.Restart},
		{"kill and wipe", 2, edge, away, d.wipe, d.h.Restart},
		{"stop", 3, edge, still, d.h.Stop, d.h.Cont},
		{"drain", 2, edge, work, d.drain, d.resume},
		{"remove", 2, edge, work, d.remove, d.join},
		{"kill balancer", 1, other, away, d.h.Kill, d.h.Restart},
		{"kill leader", 1, s.Leader, away, d.h.Kill, d.h.Restart},
	}
	k, at := kinds[0], d.random.IntN(14)
	for _, k = range kinds {
		if at -= k.weight; at < 0 {
			break
		}
	}
	if k.name == "kill leader" && k.node != "lb-2" && k.node != "lb-3" { // it is the viewers' own
		k.name, k.node = "kill balancer", other
	}
	place := d.places[strings.HasPrefix(k.node, "edge-")]
	if !place.TryLock() {
		return
	}
	d.note("%s %s for %s", k.name, k.node, k.lasts.Round(time.Millisecond))
	d.wg.Go(func() {
		defer place.Unlock()
		err := d.lasting(k)
		d.note("%s is back (error: %v)", k.node, err)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.happened[k.name]++
		if err != nil && d.failed == nil {
			d.failed = fmt.Errorf("%s: %w", k.name, err)
		}
	})
}

// note adds a line to the history.
func (d *drill) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.history = append(d.history, fmt.Sprintf("%s %7.3f  ", now.Format("15:04:05.000"), now.Sub(d.began).Seconds())+fmt.Sprintf(format, args...))
}

// keep writes the history beside the logs, before the harness keeps those.
func (d *drill) keep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := fmt.Sprintf("TANDEM_DRILL_SEED=%d\n%s\n", d.seed, strings.Join(d.history, "\n"))
	_ = os.WriteFile(filepath.Join(d.h.Dir, "faults.txt"), []byte(text), 0o644)
	if d.t.Failed() {
		d.t.Log("faults:\n" + text)
	}
}

// lasting lets one fault begin and end, and returns when the node takes part
// again.
func (d *drill) lasting(k kind) error {
	if strings.HasPrefix(k.name, "kill") || k.name == "stop" {
		d.crowd.held.death()
	}
	if err := k.begin(k.node); err != nil {
		return err
	}
	time.Sleep(k.lasts)
	if err := k.end(k.node); err != nil {
		return err
	}
	if strings.HasPrefix(k.node, "edge-") {
		return d.await(k.node+" delivers again", cluster.AllUp)
	}
	return d.await(k.node+" is one of three", balancersAlive(3))
}

// wipe kills an edge and takes its disk.
func (d *drill) wipe(edge string) error {
	n, err := d.h.Node(edge)
	if err == nil {
		err = d.h.Kill(edge)
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(n.Dir, "data"))
	}
	return err
}

// drain takes an edge out as an operator does.
func (d *drill) drain(edge string) error {
	if err := d.order(edge, "drain"); err != nil {
		return err
	}
	return d.await("nobody is at "+edge, delivering(map[string]int{edge: 0}))
}

func (d *drill) resume(edge string) error { return d.order(edge, "resume") }

// remove takes an edge out of the ring, and ends it.
func (d *drill) remove(edge string) error {
	if err := d.order(edge, "remove"); err != nil {
		return err
	}
	gone := func(s *wire.Status) bool { return cluster.EdgeState(s, edge) == "" && !inPair(s, edge) }
	if err := d.await(edge+" is out of the ring", gone); err != nil {
		return err
	}
	return d.h.Kill(edge)
}

// join starts it again: a new member, with a disk of which it knows nothing good.
func (d *drill) join(edge string) error {
	if err := d.h.Restart(edge); err != nil {
		return err
	}
	return d.await(edge+" is in the ring", func(s *wire.Status) bool { return inPair(s, edge) })
}

// order gives an order until it is taken: the leader may just be gone.
func (d *drill) order(node, what string) error {
	return d.until(what+" "+node+" is taken", func() error {
		return d.h.Order(http.MethodPost, "/api/v1/edges/"+node+"/"+what, nil, nil)
	})
}

func (d *drill) await(what string, cond func(*wire.Status) bool) error {
	return d.until(what, func() error {
		s, err := d.h.Status()
		if err == nil && !cond(s) {
			err = fmt.Errorf("it is not so: leader %q, edges %+v", s.Leader, s.Edges)
		}
		return err
	})
}

// until tries for 40 s.
func (d *drill) until(what string, try func() error) error {
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within 40 s: %w", what, err)
		}
	}
}

func balancersAlive(want int) func(*wire.Status) bool {
	return func(s *wire.Status) bool {
		n := 0
		for _, b := range s.Balancers {
			if b.Alive {
				n++
			}
		}
		return n == want && s.Leader != ""
	}
}

// tablesAgree waits until both members of every pair tell the same of it.
func (d *drill) tablesAgree() {
	if err := d.until("the tables of all pairs agree", func() error { return agree(d.t, d.h) }); err != nil {
		d.t.Error(err)
	}
}

// agree is nil when both members of every pair tell the same of it.
func agree(t *testing.T, h *cluster.Harness) error {
	t.Helper()
	f := h.File()
	by := asker(t, &f)
	defer by.Close()
	edges := f.Names(cluster.RoleEdge)
	told, agreed := map[wire.PairID]wire.PairLoad{}, map[wire.PairID]bool{}
	for _, name := range edges {
		var report wire.Report
		if err := by.Ask(t.Context(), http.MethodGet, f.Node(name).HTTP+wire.PathReport, nil, &report); err != nil {
			return err
		}
		for _, load := range report.Pairs {
			load.Delivering = 0 // each its own side
			other, both := told[load.Pair]
			if both && !reflect.DeepEqual(other, load) {
				return fmt.Errorf("one member says %+v, the other %+v", load, other)
			}
			told[load.Pair], agreed[load.Pair] = load, both
		}
	}
	s, err := h.Status()
	if err != nil {
		return err
	}
	ring := 0
	for _, p := range s.Pairs {
		if !p.Retiring {
			ring++
		}
		if !agreed[p.ID] {
			return fmt.Errorf("pair %d of %s and %s: nobody tells of it beside the other", p.ID, p.Low, p.High)
		}
	}
	if ring != len(edges) {
		return fmt.Errorf("a ring of %d edges has %d pairs", len(edges), ring)
	}
	return nil
}

// asker asks nodes as one of them does: as lb-1, by its certificate of now, where nodes
// have any.
func asker(t *testing.T, f *cluster.File) *call.Client {
	t.Helper()
	text, err := os.ReadFile(f.Secret)
	must(t, err)
	secret, err := wire.NewSecret(string(text))
	must(t, err)
	id, err := identity.OpenAs(filepath.Join(f.Dir, "identities"), identity.Balancer, "lb-1", nil)
	if err != nil {
		id = nil
	}
	return call.NewClient("lb-1", secret, id)
}

// judge fails the test when any viewer saw anything, or the faults were none.
func (d *drill) judge(reports []player.Report, length time.Duration) {
	var sum player.Report
	for i, r := range reports {
		sum.Add(r)
		if !r.Seamless() {
			d.t.Errorf("viewer %d saw it: %s", i, r)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	faults := len(d.history)/2 - 1 // each begins and ends, and so does the drill
	d.t.Logf("seed %d, %s, %d faults %v: %s", d.seed, length, faults, d.happened, sum)
	if faults < int(length/(15*time.Second)) || sum.Segments < len(reports)*int(length/(5*time.Second)) {
		d.t.Errorf("%d faults in %s, %d segments; too few to show anything", faults, length, sum.Segments)
	}
}
