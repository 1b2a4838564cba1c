package loadtest

import (
	"net/url"
	"strings"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/setting"
)

// Policies of a run.
const (
	PolicyTandem     = "tandem"
	PolicyRoundRobin = "roundrobin"
)

// Config is the settings of a run.
type Config struct {
	Viewers int
	Length  time.Duration
	Entry   string // playlist or MPD
	Origin  string // base URL, to compare every byte
	Cluster string // path of a cluster.json
	Buffer  time.Duration
	Rate    int64 // bytes a second of one viewer; 0: all
	Retries int
	Speed   int
	Kill    bool
	Fault   string
	Down    time.Duration
	Policy  string
}

// Settings is the table of what can be asked of a run.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.Int(&c.Viewers, "viewers", 100, 1, 100000, "viewers", "Viewers at the same time, each with connections of its own."),
		setting.Duration(&c.Length, "for", time.Minute, time.Second, 24*time.Hour, "How long they watch; a stored stream starts again at its end."),
		setting.String(&c.Entry, "url", "", "Playlist or MPD at a balancer (default: the cluster's first stored stream, else a demo's)."),
		setting.String(&c.Origin, "origin", "", "Base URL of the origin, to compare every byte (default: the cluster's; none: not compared)."),
		setting.String(&c.Cluster, "cluster", "", "A cluster.json as `tandem demo` writes it."),
		setting.Duration(&c.Buffer, "buffer", 10*time.Second, 500*time.Millisecond, time.Hour, "Forward buffer of each viewer, in media time."),
		setting.Bytes(&c.Rate, "rate", 0, 0, 1<<40, "Most bytes a second that one viewer takes; 0: all."),
		setting.Int(&c.Retries, "retries", 1, 0, 100, "tries", "Further tries of a request that failed."),
		setting.Int(&c.Speed, "speed", 1, 1, 100, "times", "Play stored streams so many times faster."),
		setting.Bool(&c.Kill, "kill", false, "Kill each edge in turn and bring it back (--fault kill)."),
		setting.String(&c.Fault, "fault", "", "What happens to each edge in turn: kill, stop (it hangs) or term; or, with demo --fault-proxies, to its answers: reset@4096, trickle@0, garbage, short, long, status, close@1x3 (three times) ..."),
		setting.Duration(&c.Down, "down", 4*time.Second, 100*time.Millisecond, time.Hour, "How long an edge is away."),
		setting.String(&c.Policy, "policy", PolicyTandem, "tandem, or roundrobin: viewers dealt to the edges in turn, past the balancers, for comparison."),
	}
}

// Validate says in one line what can't be, whatever the cluster is.
func (c *Config) Validate() error {
	if c.Kill && c.Fault == "" {
		c.Fault = faultKill
	}
	if c.Policy != PolicyTandem && c.Policy != PolicyRoundRobin {
		return setting.Usage("--policy: %q is none of tandem, roundrobin", c.Policy)
	}
	return checkFault(c.Fault)
}

// complete fills in what the cluster file knows, and says what is missing.
func (c *Config) complete(f *cluster.File) error {
	if c.Entry == "" && len(f.Viewers) > 0 && len(f.Streams) > 0 {
		c.Entry = f.Viewers[0] + f.Streams[0].HLS
		for _, s := range f.Streams {
			if !s.Live && s.HLS != "" {
				c.Entry = f.Viewers[0] + s.HLS
				break
			}
		}
	}
	switch n := f.Node("origin-1"); {
	case c.Origin != "":
	case n != nil:
		c.Origin = n.HTTP
	case f.Origin != "":
		c.Origin, _, _ = strings.Cut(f.Origin, ",")
	}
	switch {
	case c.Entry != "":
	case f.Origin != "":
		return setting.Usage("--url: which stream? What an origin of yours has is not known, like: tandem bench --url %s/PATH/master.m3u8", f.Viewers[0])
	default:
		c.Entry = "http://" + cluster.DefaultViewers + "/sample/master.m3u8" // a demo with its own defaults
	}
	u, err := url.Parse(c.Entry)
	switch {
	case err != nil || u.Host == "":
		return setting.Usage("--url: %q is no URL", c.Entry)
	case c.Fault != "" && !ofProcess(c.Fault) && !proxied(f):
		return setting.Usage("--fault %s: this cluster has no fault proxies; start it with tandem demo --fault-proxies", c.Fault)
	case c.Policy == PolicyRoundRobin && len(f.Names(cluster.RoleEdge)) == 0:
		return setting.Usage("--policy: roundrobin needs a cluster.json that names edges")
	}
	return nil
}
