package demo

import (
	"slices"
	"strings"
	"testing"

	"tandem/internal/cluster"
)

// In front of an origin that the user has there is none of the demo's own, and
// every edge asks the user's.
func TestDemoInFrontOfAnOriginOfTheUsers(t *testing.T) {
	const origin = "https://u:s3cret@origin.example.com/base,http://b"
	c := &Config{Dir: t.TempDir(), Edges: 3, Balancers: 1, Listen: "127.0.0.1:0", Origin: origin}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	file, err := plan(c, nil, "http://control")
	if err != nil {
		t.Fatal(err)
	}
	if file.Ingest != nil || file.Streams == nil || len(file.Streams) > 0 || len(file.Names(cluster.RoleOrigin)) > 0 || len(file.Names(cluster.RoleEdge)) != 3 {
		t.Errorf("%+v", file)
	}
	for _, name := range file.Names(cluster.RoleEdge) {
		args := file.Node(name).Args
		if i := slices.Index(args, "--origin"); i < 0 || args[i+1] != origin {
			t.Errorf("%s: %v", name, args)
		}
	}
	for _, wrong := range []Config{
		{Origin: "ftp://u:s3cret@a"},
		{Origin: "http://a,"},
		{Origin: "http://a", Media: t.TempDir()},
		{Origin: "http://a", OriginFlags: []string{"--sample"}},
	} {
		if err := wrong.Validate(); err == nil || !strings.HasPrefix(err.Error(), "--origin: ") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// An origin that the edges' flags name is none of the demo's, and has no certificate
// of the cluster.
func TestOriginOfTheEdgesFlagsIsNoNode(t *testing.T) {
	for _, c := range []struct {
		flags []string
		node  bool
	}{
		{nil, true},
		{[]string{"--session-idle=5s", "--origin-hosts=a"}, true},
		{[]string{"--origin=http://a"}, false},
		{[]string{"-origin", "https://a"}, false},
	} {
		file, err := plan(&Config{Dir: t.TempDir(), Edges: 2, Balancers: 1, Listen: "127.0.0.1:0", EdgeFlags: c.flags}, nil, "http://control")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(file.Node("edge-1").Args, "--origin-node"); got != c.node {
			t.Errorf("%v: a node of the cluster: %v", c.flags, got)
		}
	}
}

func TestAnEdgesFlagsNameIt(t *testing.T) {
	file, err := plan(&Config{Dir: t.TempDir(), Edges: 2, Balancers: 1, Listen: "127.0.0.1:0", EdgeFlags: []string{"--public-url=http://{name}.localhost:{port}"}}, nil, "http://control")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"edge-1", "edge-2"} {
		n := file.Node(name)
		want := "--public-url=" + strings.Replace(n.HTTP, "127.0.0.1", name+".localhost", 1)
		if !slices.Contains(n.Args, want) {
			t.Errorf("%s: no %s in %q", name, want, n.Args)
		}
	}
}
