package origin

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"tandem/internal/setting"
	"tandem/origin/ingest"
)

// Config is the settings of an origin.
type Config struct {
	Name             string
	Listen           string
	AdminListen      string
	NodeListen       string
	Identity         string
	Balancers        []string
	Media            string // directory of streams, empty: none
	Sample           bool
	Loop             []string // "live=/sample/": the channel /live/ loops the stored stream /sample/
	Ingest           bool
	IngestMaxBytes   int64
	IngestMaxPushes  int
	IngestIdle       time.Duration
	PublishingPoints string // file
	Window           int    // segments in a looped channel's playlists
	MaxConnections   int
	MaxPerClient     int           // of them
	HeaderTimeout    time.Duration // for a request's head to come
	MinRate          int64         // bytes a second that who asks has to take; 0: any
	SecretFile       string

	MulticastRate      int64 // bytes a second
	MulticastHops      int
	MulticastInterface string

	LogLevel string
}

// Settings is the table of the configuration; making it sets the defaults.
func (c *Config) Settings() []setting.Row {
	return []setting.Row{
		setting.String(&c.Listen, "listen", "127.0.0.1:8090", "Address for viewers and edges."),
		setting.String(&c.AdminListen, "admin-listen", "127.0.0.1:0", "Address for metrics, health, catalog and counts."),
		setting.String(&c.Name, "name", "origin-1", "Name of this origin in the cluster, as its certificate says it."),
		setting.String(&c.Identity, "identity", "", "Directory of this node's certificate (tandem join): edges ask at --node-listen and prove who they are, and what goes to edges is encrypted; or one that holds those of several nodes, by name. Needs --node-listen and --balancers."),
		setting.String(&c.NodeListen, "node-listen", "", "Address for edges (--origin-node), with TLS and both sides' certificates; needs --identity."),
		setting.List(&c.Balancers, "balancers", "Base URLs of balancers, which say whom to trust, give keys for datagrams and renew the certificate; needs --identity."),
		setting.String(&c.Media, "media", "", "Directory of HLS and DASH streams to serve."),
		setting.Bool(&c.Sample, "sample", false, "Serve the built-in sample at /sample/."),
		setting.List(&c.Loop, "loop", "Live channels that loop a stored stream: live=/sample/ loops /sample/ as /live/."),
		setting.Bool(&c.Ingest, "ingest", false, "Take objects in by PUT, POST and DELETE, below --media."),
		setting.Bytes(&c.IngestMaxBytes, "ingest-max-object", 256<<20, 1<<10, 64<<30, "Largest object that is taken in."),
		setting.Int(&c.IngestMaxPushes, "ingest-max-pushes", 2000, 1, 1000000, "pushes", "Most objects that are taken in at once."),
		setting.Duration(&c.IngestIdle, "ingest-idle", 10*time.Second, 100*time.Millisecond, 10*time.Minute, "A push from which no byte comes for so long is ended."),
		setting.String(&c.PublishingPoints, "publishing-points", "", "File of the paths that may be pushed to, each with credential and quota, read anew when it changes (default: all paths; anybody may push without a cluster, nobody in one)."),
		setting.Int(&c.Window, "window", 10, 3, 1000, "segments", "Length of a looped channel's playlists."),
		setting.Int(&c.MaxConnections, "max-connections", 20000, 1, 1000000, "connections", "Most connections at --listen at once; further ones are reset, those of nodes that show the secret aside."),
		setting.Int(&c.MaxPerClient, "max-connections-per-client", 4000, 1, 1000000, "connections", "Most of them from one address (IPv6: /64): caches that do not show the secret have one."),
		setting.Duration(&c.HeaderTimeout, "header-timeout", 5*time.Second, 100*time.Millisecond, time.Minute, "How long who asks may take to send the head of a request."),
		setting.Bytes(&c.MinRate, "min-rate", 1024, 0, 1<<30, "Bytes a second below which who does not take an answer is cut off; 0: never; nodes that show the secret aside. Pushes may be as slow as they like, but for --ingest-idle."),
		setting.String(&c.SecretFile, "secret-file", "", "File with the cluster's secret; without one, and without --identity, nobody may set destinations, and counts and catalog are open."),
		setting.Bytes(&c.MulticastRate, "multicast-rate", 100<<20, 64<<10, 1<<40, "Most bytes a second that are sent to multicast groups (claim 6)."),
		setting.Int(&c.MulticastHops, "multicast-hops", 1, 1, 255, "routers", "How far datagrams to a group go: 1 is this network alone."),
		setting.String(&c.MulticastInterface, "multicast-interface", "", "Network interface for groups (default: by the system's routes; loopback when --listen is)."),
		setting.String(&c.LogLevel, "log-level", "info", "debug, info, warn or error.").Reloadable(),
	}
}

// Validate names the first setting that can't work, and the fix.
func (c *Config) Validate() error {
	if c.Media == "" && !c.Sample {
		return fmt.Errorf("--media: nothing to serve; give a directory or --sample")
	}
	if c.Ingest && c.Media == "" {
		return fmt.Errorf("--ingest: there is no place for what is taken in; give a directory as --media")
	}
	if c.IngestMaxBytes < 1 {
		return fmt.Errorf("--ingest-max-object: %d; give a size like 256MiB", c.IngestMaxBytes)
	}
	if c.PublishingPoints != "" && !c.Ingest {
		return fmt.Errorf("--publishing-points: nothing is taken in; give --ingest as well")
	}
	if c.IngestMaxPushes < 1 || c.IngestIdle <= 0 {
		return fmt.Errorf("--ingest-max-pushes, --ingest-idle: %d pushes, %s; give at least 1 and a time like 10s", c.IngestMaxPushes, c.IngestIdle)
	}
	if named := c.Identity != ""; named != (c.NodeListen != "") || named != (len(c.Balancers) > 0) {
		return fmt.Errorf("--identity, --node-listen, --balancers: an origin that is a node of a cluster needs all three")
	}
	for i, b := range c.Balancers {
		u, err := url.Parse(b)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("--balancers: %q is no base URL; want one like http://127.0.0.1:8080", b)
		}
		c.Balancers[i] = strings.TrimSuffix(b, "/")
	}
	if c.Window < 3 {
		return fmt.Errorf("--window: %d segments; a player needs at least 3", c.Window)
	}
	if c.MulticastRate < 1 || c.MulticastHops < 1 {
		return fmt.Errorf("--multicast-rate, --multicast-hops: %d bytes a second, %d routers; give at least 1 of each", c.MulticastRate, c.MulticastHops)
	}
	seen := map[string]bool{}
	for _, text := range c.Loop {
		l, err := parseLoop(text)
		if err != nil {
			return err
		}
		if seen[l.prefix] {
			return fmt.Errorf("--loop %s: there are two channels %s; give each its own name", text, l.prefix)
		}
		seen[l.prefix] = true
	}
	return nil
}

// loop is one value of --loop: both are stream paths, "/live/".
type loop struct{ prefix, source string }

func parseLoop(text string) (loop, error) {
	name, source, ok := strings.Cut(text, "=")
	name, source = strings.Trim(name, "/"), strings.Trim(source, "/")
	if !ok || !ingest.Shown(name) || !ingest.Shown(source) {
		return loop{}, fmt.Errorf("--loop %s: want CHANNEL=/STREAM/, like live=/sample/", text)
	}
	switch head, _, _ := strings.Cut(name, "/"); head {
	case "s", "_tandem", sampleName:
		return loop{}, fmt.Errorf("--loop %s: /%s/ is taken; give the channel another name", text, head)
	}
	return loop{"/" + name + "/", "/" + source + "/"}, nil
}
