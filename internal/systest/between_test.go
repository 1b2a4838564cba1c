package systest

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/identity"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// betweenEnv is how long the man stands between the nodes: `make between`.
const betweenEnv = "TANDEM_BETWEEN"

// A man stands on every way between nodes that have names (balancer to edge, edge to
// edge, edge to origin, edge to balancer, Raft), and flips bits, plays back what was
// said, and leads connections to another node than the one that was called. The
// viewers see nothing of it, and the nodes count it.
//
//	TANDEM_BETWEEN=60s go test ./internal/systest -run TestAManInBetweenChangesNothing -v
func TestAManInBetweenChangesNothing(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv(betweenEnv))
	if err != nil {
		t.Skipf("%s says how long, like 60s: make between", betweenEnv)
	}
	var men men
	t.Cleanup(men.leave) // when the nodes have ended
	h := cluster.Raise(t, func(binary, dir string) *cluster.File { return surrounded(t, &men, binary, dir) })
	h.Await("four edges are up", 30*time.Second, func(s *wire.Status) bool { return len(s.Edges) == 4 && cluster.AllUp(s) })
	a := seat(t, h)
	a.watch(40, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 16 * time.Second, Retries: 0})
	h.Await("everybody is in", 20*time.Second, sessions(40))
	men.busy.Store(true)
	time.Sleep(length)
	men.busy.Store(false)
	nothingSeen(t, a.report(false), 40, 200)

	counted := map[string]float64{}
	for _, n := range h.File().Nodes {
		for _, what := range []string{"altered", "strange"} {
			if n.Role != cluster.RoleOrigin { // it calls nobody for viewers
				counted[n.Role+" "+what] += metric(t, n.Admin, "tandem_"+n.Role+"_nodes_"+what+"_total", "")
			}
		}
	}
	t.Logf("the man, by who was called: %v; the nodes count %v", men.did(), counted)
	kinds := map[string]int64{}
	for role, did := range men.did() {
		all := int64(0)
		for what, n := range did {
			kinds[what] += n
			all += n
		}
		if all == 0 {
			t.Errorf("nothing was done to what is said to a %s", role)
		}
	}
	for what, n := range kinds {
		if n == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
	for what, n := range counted {
		if n == 0 {
			t.Errorf("of what they count as %s there was none", what)
		}
	}
}

// surrounded plans a cluster in which each node is called by way of a man.
func surrounded(t *testing.T, men *men, binary, dir string) *cluster.File {
	t.Helper()
	ports, err := cluster.Ports(8 * 6)
	must(t, err)
	next := func() string {
		port := ports[0]
		ports = ports[1:]
		return address(port)
	}
	secret := filepath.Join(dir, "secret")
	must(t, os.WriteFile(secret, []byte("a secret for one test and no longer"), 0o600))
	ca, err := identity.NewAuthority("", time.Now())
	must(t, err)
	f := &cluster.File{Dir: dir, Secret: secret}
	node := func(role string, as identity.Role, name string) *cluster.Node {
		at := filepath.Join(dir, "identity", name)
		must(t, identity.Enrol(at, ca, identity.Grant{Role: as, Node: name, Addresses: []string{"127.0.0.1"}}, time.Now()))
		if as == identity.Balancer {
			must(t, identity.SaveAuthority(at, ca))
		}
		listen, admin, inner := next(), next(), next()
		f.Nodes = append(f.Nodes, cluster.Node{Name: name, Role: role, HTTP: "http://" + listen, Admin: "http://" + admin, Dir: filepath.Join(dir, name), Args: []string{
			binary, role, "--name", name, "--listen", listen, "--admin-listen", admin, "--node-listen", inner, "--identity", filepath.Join(dir, "identity"), "--secret-file", secret,
		}})
		men.stand(t, role, inner)
		return &f.Nodes[len(f.Nodes)-1]
	}
	var raft, peers, bases []string
	for _, name := range theBalancers {
		n := node(cluster.RoleLB, identity.Balancer, name)
		at := next()
		raft = append(raft, at)
		bases = append(bases, "http://"+men.last())
		men.stand(t, "raft", at)
		peers = append(peers, name+"="+men.last()+"="+bases[len(bases)-1])
		f.Viewers = append(f.Viewers, n.HTTP)
	}
	for i := range theBalancers {
		f.Nodes[i].Args = append(f.Nodes[i].Args, "--raft-listen", raft[i], "--peers", strings.Join(peers, ","), "--data", filepath.Join(f.Nodes[i].Dir, "data"))
	}
	origin := node(cluster.RoleOrigin, identity.Origin, "origin-1")
	origin.Args = append(origin.Args, "--sample", "--balancers", strings.Join(bases, ","))
	media := "https://" + men.last()
	for _, name := range theEdges {
		n := node(cluster.RoleEdge, identity.Edge, name)
		n.Args = append(n.Args, "--advertise", "http://"+men.last(), "--origin", media, "--origin-node", "--balancers", strings.Join(bases, ","),
			"--data", filepath.Join(n.Dir, "data"), "--capacity", "100")
	}
	return f
}

// men are those who stand before the nodes of a cluster.
type men struct {
	busy atomic.Bool
	all  []*man // of one goroutine, until the nodes run
	wg   sync.WaitGroup
}

// man takes the calls for one node.
type man struct {
	of   *men
	role string
	to   string
	ln   net.Listener

	flipped, replayed, swapped atomic.Int64
}

func (m *men) stand(t *testing.T, role, to string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	who := &man{of: m, role: role, to: to, ln: ln}
	m.all = append(m.all, who)
	m.wg.Go(who.take)
}

// last is where the man listens who came last.
func (m *men) last() string { return m.all[len(m.all)-1].ln.Addr().String() }

func (m *men) leave() {
	for _, who := range m.all {
		_ = who.ln.Close()
	}
	m.wg.Wait()
}

// of is what was done to those who called nodes of a role.
func (m *men) of(role string) map[string]int64 {
	did := map[string]int64{"flipped": 0, "replayed": 0}
	if role != "origin" { // there is one
		did["led elsewhere"] = 0
	}
	for _, who := range m.all {
		if who.role == role {
			did["flipped"] += who.flipped.Load()
			did["replayed"] += who.replayed.Load()
			if role != "origin" {
				did["led elsewhere"] += who.swapped.Load()
			}
		}
	}
	return did
}

func (m *men) did() map[string]map[string]int64 {
	all := map[string]map[string]int64{}
	for _, who := range m.all {
		all[who.role] = m.of(who.role)
	}
	return all
}

// other is another node of the same kind; the same one where there is none.
func (m *man) other() string {
	others := []string{m.to}
	for _, who := range m.of.all {
		if who.role == m.role && who != m {
			others = append(others, who.to)
		}
	}
	return others[rand.IntN(len(others))]
}

// rarely is how little he does: those to balancers are few, and little is said on them.
func (m *man) rarely() int {
	if m.role == "raft" || m.role == cluster.RoleLB {
		return 3
	}
	return 12
}

func (m *man) take() {
	for {
		client, err := m.ln.Accept()
		if err != nil {
			return
		}
		to := m.to
		if m.of.busy.Load() && rand.IntN(m.rarely()) == 0 {
			to = m.other()
		}
		if to != m.to {
			m.swapped.Add(1)
		}
		server, err := net.Dial("tcp", to)
		if err != nil {
			_ = client.Close()
			continue
		}
		m.of.wg.Go(func() { m.pass(client, server) })
		m.of.wg.Go(func() { m.pass(server, client) })
	}
}

// pass hands on what one side says, record by record (RFC 8446 section 5.1), and once, in a
// moment that nobody foresees, not as it came.
func (m *man) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	left := rand.IntN(m.rarely() << 15) // bytes until then
	if rand.IntN(8) == 0 {
		left = rand.IntN(2 << 10) // in the handshake
	}
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		record := append(head[:5:5], make([]byte, binary.BigEndian.Uint16(head[3:]))...)
		if _, err := io.ReadFull(from, record[5:]); err != nil {
			return
		}
		if left -= len(record); left < 0 && m.of.busy.Load() && len(record) > 5 {
			left = 1 << 60
			if rand.IntN(2) == 0 {
				record[5+rand.IntN(len(record)-5)] ^= 1 << rand.IntN(8)
				m.flipped.Add(1)
			} else {
				record = append(record, record...)
				m.replayed.Add(1)
			}
		}
		if _, err := to.Write(record); err != nil {
			return
		}
	}
}
