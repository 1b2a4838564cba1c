package demo

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

// Config is the settings of a demo.
type Config struct {
	Dir          string // of stores, logs and cluster.json; empty: a temporary one
	Edges        int
	Balancers    int
	Capacity     int // sessions of one edge
	Media        string
	Origin       string // base URL of the user's own, in place of ours
	Listen       string // viewers' address of the first balancer
	RestartAfter time.Duration
	Admission    string
	StateSource  string
	Duplication  string
	FaultProxies bool
	Insecure     bool
	EdgeFlags    []string
	LBFlags      []string
	OriginFlags  []string
}

// Settings is the table of what can be asked of a demo.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.String(&c.Dir, "dir", "", "Directory of stores, logs and cluster.json (default: a temporary one, removed at the end)."),
		setting.Int(&c.Edges, "edges", 4, 1, 64, "edges", "Edges in the ring."),
		setting.Int(&c.Balancers, "balancers", 3, 1, 7, "balancers", "Balancers, each with a copy of the placement."),
		setting.Int(&c.Capacity, "capacity", 100, 1, 1000000, "sessions", "Most viewers of one edge (MAX)."),
		setting.String(&c.Media, "media", "", "Directory of HLS and DASH streams (default: the built-in sample)."),
		setting.String(&c.Origin, "origin", "", "Base URL of an origin of yours, or of several with the same objects, parted by commas, in place of the demo's."),
		setting.String(&c.Listen, "listen", cluster.DefaultViewers, "Viewers' address of the first balancer; port 0: any."),
		setting.Duration(&c.RestartAfter, "restart-after", 0, 0, time.Hour, "Bring a dead node back after so long; 0: it stays dead."),
		setting.String(&c.Admission, "admission", "failsafe", "failsafe (claim 8) or pair (claim 9)."),
		setting.String(&c.StateSource, "state-source", "push", "push (claim 4), load (claim 3) or query (claim 2)."),
		setting.String(&c.Duplication, "duplication", "relay", "relay, origin (claim 7) or multicast (claim 6)."),
		setting.Bool(&c.FaultProxies, "fault-proxies", false, "Put a faulty stretch of network before each edge; POST reset@4096 or the like to the \"fault\" URLs of cluster.json."),
		setting.Bool(&c.Insecure, "insecure", false, "Nodes have no certificates: they show the secret to each other, and what they say goes in clear, on this machine. So it is with fault-proxies too, and where an origin of yours is to duplicate."),
		setting.List(&c.EdgeFlags, "edge-flags", "More flags for every edge, like --session-idle=5s; {name} and {port} in them are its own."),
		setting.List(&c.LBFlags, "lb-flags", "More flags for every balancer."),
		setting.List(&c.OriginFlags, "origin-flags", "More flags for the origin."),
	}
}

// named tells whether nodes have certificates. A faulty stretch of network has to read
// what goes through it, and an origin that is no node may not be told where to send.
func (c *Config) named() bool {
	return !c.Insecure && !c.FaultProxies && (c.Duplication == "relay" || c.Origin == "")
}

// Validate says in one line what can't be.
func (c *Config) Validate() error {
	for _, row := range []struct {
		name, value string
		of          []string
	}{
		{"admission", c.Admission, []string{"failsafe", "pair"}},
		{"state-source", c.StateSource, []string{"push", "load", "query"}},
		{"duplication", c.Duplication, []string{"relay", "origin", "multicast"}},
	} {
		if row.value != "" && !slices.Contains(row.of, row.value) {
			return setting.Usage("--%s: %q is none of %s", row.name, row.value, strings.Join(row.of, ", "))
		}
	}
	if c.Origin != "" {
		if c.Media != "" || len(c.OriginFlags) > 0 {
			return errors.New("--origin: with an origin of yours there is none that --media and --origin-flags could be for")
		}
		for text := range strings.SplitSeq(c.Origin, ",") {
			server := wire.UpstreamServer{URL: strings.TrimSpace(text)}
			if _, err := server.Base(); err != nil {
				return fmt.Errorf("--origin: %w", err)
			}
		}
	}
	if c.Media == "" {
		return nil
	}
	if stat, err := os.Stat(c.Media); err != nil || !stat.IsDir() {
		return fmt.Errorf("--media: %s is no directory", c.Media)
	}
	return nil
}
