package systest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/player"
	"tandem/internal/wire"
)

// Paragraph 84: three machines, each a balancer and an edge in one process. One
// is killed; viewers of another one's address see nothing.
func TestNodesOfBalancerAndEdge(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a cluster of processes")
	}
	h := cluster.Raise(t, func(binary, dir string) *cluster.File { return threeNodes(t, binary, dir) })
	h.Await("three nodes are up", 30*time.Second, func(s *wire.Status) bool { return len(s.Edges) == 3 && cluster.AllUp(s) })
	a := seat(t, h)
	a.watch(20, stored, player.Config{For: 10 * time.Minute, Speed: 2, Buffer: 12 * time.Second, Retries: 1})
	h.Await("everybody is in", 20*time.Second, sessions(20))
	time.Sleep(2 * time.Second)
	killed(t, h, "node-2")
	time.Sleep(2 * time.Second)
	returned(t, h, "node-2")
	nothingSeen(t, a.report(false), 20, 60)
}

func threeNodes(t *testing.T, binary, dir string) *cluster.File {
	t.Helper()
	ports, err := cluster.Ports(2 + 3*5)
	must(t, err)
	next := func() string {
		port := ports[0]
		ports = ports[1:]
		return address(port)
	}
	secret := filepath.Join(dir, "secret")
	must(t, os.WriteFile(secret, []byte("a secret for one test and no longer"), 0o600))
	origin, originAdmin := next(), next()
	f := &cluster.File{Dir: dir, Secret: secret, Nodes: []cluster.Node{{
		Name: "origin-1", Role: cluster.RoleOrigin, HTTP: "http://" + origin, Admin: "http://" + originAdmin, Dir: filepath.Join(dir, "origin-1"),
		Args: []string{binary, "origin", "--sample", "--listen", origin, "--admin-listen", originAdmin, "--secret-file", secret},
	}}}
	var peers []string
	type place struct{ http, admin, raft, edge, edgeAdmin string }
	places := make([]place, 3)
	for i := range places {
		places[i] = place{next(), next(), next(), next(), next()}
		peers = append(peers, fmt.Sprintf("node-%d=%s=http://%s", i+1, places[i].raft, places[i].http))
		f.Viewers = append(f.Viewers, "http://"+places[i].http)
	}
	for i, p := range places {
		name := fmt.Sprintf("node-%d", i+1)
		f.Nodes = append(f.Nodes, cluster.Node{
			Name: name, Role: cluster.RoleLB, HTTP: "http://" + p.http, Admin: "http://" + p.admin, Dir: filepath.Join(dir, name),
			Args: []string{
				binary, "node", "--name", name, "--listen", p.http, "--admin-listen", p.admin, "--raft-listen", p.raft, "--peers", strings.Join(peers, ","),
				"--edge-listen", p.edge, "--edge-admin-listen", p.edgeAdmin, "--balancers", strings.Join(f.Viewers, ","), "--origin", "http://" + origin,
				"--data", filepath.Join(dir, name, "data"), "--secret-file", secret, "--capacity", "100",
			},
		})
	}
	return f
}
