package lb

import (
	"net"
	"strings"
	"testing"

	"tandem/internal/wire"
	"tandem/raftfsm"
)

// A balancer that listens elsewhere than its line in peers says is not found by the others:
// it is told which setting, and what to do.
func TestABalancerThatListensElsewhereThanItsLineSays(t *testing.T) {
	for what, row := range map[string]struct {
		set  func(c *Config)
		want []string // how each line begins
	}{
		"as it stands there":           {func(c *Config) { c.raft.Bind, c.Listen = "10.0.0.2:7080", "10.0.0.2:8080" }, nil},
		"at all addresses":             {func(c *Config) { c.raft.Bind, c.Listen = "0.0.0.0:7080", ":8080" }, nil},
		"no raft-listen":               {func(c *Config) { c.Listen = ":8080" }, nil},
		"another port for Raft":        {func(c *Config) { c.raft.Bind, c.Listen = "0.0.0.0:7999", ":8080" }, []string{"--raft-listen: 0.0.0.0:7999"}},
		"another address for Raft":     {func(c *Config) { c.raft.Bind, c.Listen = "10.0.0.9:7080", ":8080" }, []string{"--raft-listen: 10.0.0.9:7080"}},
		"led on to, and said so":       {func(c *Config) { c.raft.Bind, c.raft.Advertise, c.Listen = "0.0.0.0:7999", "10.0.0.2:7080", ":8080" }, nil},
		"another port for all":         {func(c *Config) { c.Listen = "0.0.0.0:8090" }, []string{"--listen: 0.0.0.0:8090"}},
		"another port, and said so":    {func(c *Config) { c.Listen, c.Advertise = "0.0.0.0:8090", "http://10.0.0.2:8080" }, nil},
		"nodes' listener":              {func(c *Config) { c.Listen, c.NodeListen = ":80", "[::]:8080" }, nil},
		"another port for nodes":       {func(c *Config) { c.Listen, c.NodeListen = ":8080", ":8443" }, []string{"--node-listen: :8443"}},
		"both":                         {func(c *Config) { c.raft.Bind, c.Listen = ":7999", ":8090" }, []string{"--raft-listen:", "--listen:"}},
		"a port that the system picks": {func(c *Config) { c.raft.Bind, c.Listen = "127.0.0.1:0", "127.0.0.1:0" }, nil},
	} {
		c := Config{Name: "lb-2", raft: raftfsm.Config{}, Peers: []string{"lb-1=10.0.0.1:7080=http://10.0.0.1:8080", "lb-2=10.0.0.2:7080=http://10.0.0.2:8080"}}
		row.set(&c)
		if err := c.readPeers(); err != nil {
			t.Fatal(err)
		}
		got := c.Contradictions()
		if len(got) != len(row.want) {
			t.Errorf("%s: %q", what, got)
			continue
		}
		for i, want := range row.want {
			if !strings.HasPrefix(got[i], want) || !strings.Contains(got[i], "line in peers") {
				t.Errorf("%s: %q", what, got[i])
			}
		}
	}
	for listen, want := range map[string]string{":8090": "http://10.0.0.2:8090", "0.0.0.0:8090": "http://10.0.0.2:8090", "10.0.0.9:8080": "http://10.0.0.9:8080", ":8080": "", "10.0.0.2:8080": ""} {
		c := Config{Name: "lb-2", Listen: listen, Peers: []string{"lb-2=10.0.0.2:7080=http://10.0.0.2:8080"}}
		if err := c.readPeers(); err != nil || c.alsoHTTP() != want {
			t.Errorf("%s: %q, %v", listen, c.alsoHTTP(), err)
		}
	}
	for base, want := range map[string]string{"http://lb-1": "lb-1:80", "https://lb-1": "lb-1:443", "http://[::1]:90": "[::1]:90"} {
		if got := hostPort(base); got != want {
			t.Errorf("%s: %q", base, got)
		}
	}
}

// For Raft, as for the rest, who listens at all addresses is called at the host that the others
// know, unless a setting says another.
func TestRaftAtAllAddressesIsToldByTheHostThatTheOthersKnow(t *testing.T) {
	for _, at := range []string{"0.0.0.0:0", "127.0.0.1:0"} {
		ln, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		for _, row := range []struct {
			change func(*Config)
			want   string
		}{
			{func(*Config) {}, "10.0.0.2:" + port},
			{func(c *Config) { c.Advertise = "https://[2001:db8::2]:80" }, "[2001:db8::2]:" + port},
			{func(c *Config) { c.raft.Advertise = "box:7" }, ""},
			{func(c *Config) { c.peers = []wire.Balancer{{Name: "lb-2", Raft: "a:1", HTTP: "http://a"}} }, ""},
		} {
			c := Config{Name: "lb-2", Advertise: "http://10.0.0.2:8080"}
			if row.change(&c); at != "0.0.0.0:0" {
				row.want = ""
			}
			if told := c.UseRaft(ln); told != row.want || told != "" && c.raft.Advertise != told {
				t.Errorf("%s: told %q, want %q", at, told, row.want)
			}
		}
	}
}
