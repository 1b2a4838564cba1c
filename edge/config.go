package edge

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tandem/edge/fetch"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/media"
	"tandem/internal/proxied"
	"tandem/internal/secret"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

// Config is an edge's settings.
type Config struct {
	Name               string
	Listen             string
	AdminListen        string
	Advertise          string
	AdvertiseAdmin     string
	Origin             string
	OriginNode         bool
	Upstreams          string // file
	OriginHosts        []string
	PublicHosts        []string
	ManifestLimit      int64
	ManifestMemory     int64
	Data               string
	Balancers          []string
	SecretFile         string
	Identity           string
	NodeListen         string
	NodeMedia          string
	Capacity           int
	CapacityMbit       int
	SessionKbit        int
	Zone               string
	PublicURL          string
	assumed            bool // nobody has stated the capacity
	After              string
	StoreBytes         int64
	StoreObjects       int
	MemoryBytes        int64
	NoticeEvery        time.Duration
	SilentFor          int
	ReportEvery        time.Duration
	SessionIdle        time.Duration
	ProvisionalIdle    time.Duration
	ProvisionalEach    int
	MaxConnections     int
	MaxPerClient       int
	MaxMisses          int
	HeaderTimeout      time.Duration
	MinRate            int64
	MaxQueue           int64
	MaxHeld            int64
	Duplication        string
	MulticastGroup     string
	MulticastInterface string
	CopyRate           int64
	OriginTimeout      time.Duration
	PeerSilent         time.Duration
	QueryNames         string
	QuerySort          bool
	LogLevel           string
	Proxies            proxied.Config

	Secret    wire.Secret     // read from SecretFile by Validate
	query     cachekey.Query  // read from QueryNames and QuerySort by Validate
	upstreams []wire.Upstream // read from Upstreams and Origin by Validate

	lose       func() bool              // these seven in tests: whether the next datagram is lost
	peerRepair time.Duration            // limit of a repair by the partner
	room       int64                    // bytes of objects that come in datagrams
	stallAfter time.Duration            // in place of a fifth of OriginTimeout
	toPublish  time.Duration            // limit of handing a live playlist to the partner
	forRoom    time.Duration            // limit of waiting for room to read a large manifest in
	storeFault func(point string) error // segstore.Options.Fault
}

// Settings are the rows of docs/config.md.
func (c *Config) Settings() []setting.Row { return append(c.ownSettings(), c.Proxies.Settings()...) }

func (c *Config) ownSettings() []setting.Row {
	return []setting.Row{
		setting.String(&c.Name, "name", "edge-1", "name of this edge in the cluster, unique, and the same at each start"),
		setting.String(&c.Listen, "listen", "127.0.0.1:8081", "address for viewers, balancers and neighbours"),
		setting.String(&c.AdminListen, "admin-listen", "127.0.0.1:0", "address for metrics, health and profiles"),
		setting.String(&c.Advertise, "advertise", "", "base URL by which balancers and neighbours reach this edge (default: from --listen)"),
		setting.String(&c.AdvertiseAdmin, "advertise-admin", "", "base URL of the admin listener for others (default: from --admin-listen; none, where that is a loopback address and the edge is reached at another one)"),
		setting.String(&c.Origin, "origin", "", "base URL of the origin, or of several with the same objects, parted by commas: the next one is asked when the first fails; required without --upstreams").Reloadable(),
		setting.Bool(&c.OriginNode, "origin-node", false, "the origins of --origin are nodes of this cluster (tandem origin --identity) and their URLs say https: both sides show the cluster's certificates; needs --identity, and is needed there for duplication origin and multicast"),
		setting.String(&c.Upstreams, "upstreams", "", "file of upstreams: by prefix of the path, which origins, and the way to them (docs/origins.md); those of the cluster (tandem upstreams) go before").Reloadable(),
		setting.List(&c.OriginHosts, "origin-hosts", "further hosts by which manifests name the origin, host or host:port: what they lead to is led into the session"),
		setting.List(&c.PublicHosts, "public-hosts", "hosts of this cluster as viewers know them, likewise; URLs say their scheme. The first is the viewer's where a proxy asks by another name"),
		setting.Bytes(&c.ManifestLimit, "manifest-limit", media.DefaultLimit, 64<<10, 512<<20, "most bytes of a playlist or MPD that is read; a larger one is given as it is, and counted"),
		setting.Bytes(&c.ManifestMemory, "manifest-memory", defaultManifests, 1<<20, 1<<40, "most bytes of manifests that are kept as they were read, the newest one aside"),
		setting.String(&c.Data, "data", "", "directory of the store; required"),
		setting.List(&c.Balancers, "balancers", "base URLs of balancers; none: a plain caching proxy, without a cluster"),
		setting.String(&c.SecretFile, "secret-file", "", "file with the cluster's secret, at least 16 bytes; required with balancers"),
		setting.String(&c.Identity, "identity", "", "directory of this node's certificate (tandem join): nodes prove to each other who they are, and what they say is encrypted; or one that holds those of several nodes, by name"),
		setting.String(&c.NodeListen, "node-listen", "", "address for balancers and neighbours, with TLS and both sides' certificates, apart from viewers'; needs --identity (default: they call --listen, by TLS, and viewers there find none of their endpoints)"),
		setting.String(&c.NodeMedia, "node-media", wire.MediaTLS, "how media goes to balancers: tls, or plain, where they say so too (docs/security.md): heads sealed, bodies in clear, for networks whose wires are yours; needs --identity"),
		setting.Int(&c.Capacity, "capacity", 0, 1, 1000000, "sessions", "most viewers that this edge can deliver to at once (MAX); of both this and capacity-mbit the lower one counts. Not stated: an edge of a cluster then has the least that another edge states, else 1000, and says so (docs/decisions/0012)"),
		setting.Int(&c.CapacityMbit, "capacity-mbit", 0, 1, 1000000, "Mbit/s", "most media that this edge can deliver, as sessions of session-kbit each"),
		setting.Int(&c.SessionKbit, "session-kbit", 0, 1, 1000000, "kbit/s", "what one session takes, for capacity-mbit: the mean of what viewers get, sent bytes by sessions (docs/architecture.md)"),
		setting.String(&c.PublicURL, "public-url", "", "base URL by which viewers may call this edge themselves, for streams whose balancers redirect (--redirect); default: they may not"),
		setting.String(&c.Zone, "zone", "", "what this edge may be lost together with, like a host or a rack: neighbours in the ring are put into different zones where that can be"),
		setting.String(&c.After, "after", "", "the member behind which a new edge joins the ring; it has to be there (default: the last one)"),
		setting.Bytes(&c.StoreBytes, "store-bytes", 10<<30, 1<<20, 1<<50, "most bytes of stored objects on disk"),
		setting.Int(&c.StoreObjects, "store-objects", 0, 0, 1<<30, "objects", "most stored objects on disk; 0: what an eighth of this machine's memory, or of its control group's, has room for, by 3 KiB each (350,000 with 8 GiB)"),
		setting.Bytes(&c.MemoryBytes, "memory-bytes", 64<<20, 1<<20, 1<<40, "most bytes of live playlists and other short-lived answers in memory"),
		setting.Duration(&c.NoticeEvery, "notice-interval", 200*time.Millisecond, 10*time.Millisecond, 10*time.Second, "how often a neighbour is told of sessions and positions"),
		setting.Int(&c.SilentFor, "silent-intervals", 3, 2, 100, "notice intervals", "a neighbour that is silent for so long is suspected"),
		setting.Duration(&c.ReportEvery, "report-interval", 250*time.Millisecond, 10*time.Millisecond, 10*time.Second, "how often balancers are told of the load"),
		setting.Duration(&c.SessionIdle, "session-idle", 60*time.Second, time.Second, 24*time.Hour, "a session for which nothing was asked for so long ends"),
		setting.Duration(&c.ProvisionalIdle, "provisional-idle", 15*time.Second, time.Second, time.Hour, "a session that has been given no media yet ends when nothing was asked for it for so long; where room is short it makes way for others before"),
		setting.Int(&c.ProvisionalEach, "max-provisional-per-client", 1000, 0, 1000000, "sessions", "most sessions of one address (IPv6: /64) that have been given no media yet, and as many more as it plays; a further one is refused with 429; 0: any number"),
		setting.Int(&c.MaxConnections, "max-connections", 20000, 1, 1000000, "connections", "most connections at once; further ones are reset, those of balancers and neighbours aside"),
		setting.Int(&c.MaxPerClient, "max-connections-per-client", 1000, 1, 1000000, "connections", "most of them from one address (IPv6: /64)"),
		setting.Int(&c.MaxMisses, "max-misses-per-client", 30000, 0, 100000000, "misses a minute", "how much one address (IPv6: /64) may ask all edges together for that is not here and has to be asked of the origin; a name that there is none of, and a head alone, count as 10; beyond it, 429 for what nobody has asked for lately; and, counted apart, how many copies it may have revalidated; 0: any number"),
		setting.Duration(&c.HeaderTimeout, "header-timeout", 5*time.Second, 100*time.Millisecond, time.Minute, "how long a client may take to send the head of a request"),
		setting.Bytes(&c.MaxQueue, "max-queue", 32<<10, 0, 16<<20, "most bytes that lie in the kernel for one client and could not be sent to it yet; 0: what the system likes"),
		setting.Bytes(&c.MaxHeld, "max-held", 0, 0, 1<<40, "most bytes of memory that the kernel holds for clients that do not take what they asked for, in all, balancers and neighbours aside; beyond it those that hold most, for longest, are reset. 0: half of what the kernel lets all connections of the machine have before it presses them (net.ipv4.tcp_mem)"),
		setting.Bytes(&c.MinRate, "min-rate", 1024, 0, 1<<30, "bytes a second below which a client that has a body to take, or to send, is cut off; 0: never; balancers and neighbours aside"),
		setting.String(&c.Duplication, "duplication", fetch.DuplicateRelay, "how the second copy is made: relay, origin (claim 7) or multicast (claim 6)"),
		setting.String(&c.MulticastGroup, "multicast-group", "", "UDP group and port, like 239.1.2.3:5000, for duplication multicast"),
		setting.String(&c.MulticastInterface, "multicast-interface", "", "network interface on which the group is joined (default: by the system's routes; loopback when --listen is)"),
		setting.Bytes(&c.CopyRate, "copy-rate", 200<<20, 64<<10, 1<<40, "most bytes a second that are copied from neighbours in a recovery"),
		setting.Duration(&c.OriginTimeout, "origin-timeout", 10*time.Second, 100*time.Millisecond, 5*time.Minute, "longest wait for the head of the origin's answer, and for each further byte"),
		setting.Duration(&c.PeerSilent, "peer-silent-limit", 600*time.Millisecond, 10*time.Millisecond, time.Minute, "a neighbour that neither answers nor says that it waits for the origin is passed by after so long"),
		setting.String(&c.QueryNames, "query", "drop:CMCD", "which parameters of a query are part of an object's name: all, drop:NAME,NAME or keep:NAME,NAME; the same at every edge"),
		setting.Bool(&c.QuerySort, "query-sort", false, "parameters of a query are part of an object's name in any order; the same at every edge"),
		setting.String(&c.LogLevel, "log-level", "info", "debug, info, warn or error").Reloadable(),
	}
}

// Validate names the first setting that can't be, and the fix.
func (c *Config) Validate() error {
	switch {
	case c.Name == "" || len(c.Name) > 100 || strings.ContainsAny(c.Name, " /\"\n"):
		return fmt.Errorf("--name: %q is no name: 1 to 100 characters without spaces and slashes", c.Name)
	case c.Data == "":
		return errors.New("--data: a directory for the store is required")
	case c.Origin == "" && c.Upstreams == "":
		return errors.New("--origin: the base URL of the origin is required, like http://127.0.0.1:8090 (or --upstreams)")
	}
	if err := c.Proxies.Validate(); err != nil {
		return err
	}
	if err := c.readUpstreams(); err != nil {
		return err
	}
	var err error
	if c.query, err = cachekey.ParseQuery(c.QueryNames, c.QuerySort); err != nil {
		return fmt.Errorf("--query: %w", err)
	}
	for field, hosts := range map[string][]string{"--origin-hosts": c.OriginHosts, "--public-hosts": c.PublicHosts} {
		if _, err := media.NewOrigin(media.Root{Hosts: hosts}); err != nil {
			return fmt.Errorf("%s: %w; want host or host:port", field, err)
		}
	}
	if err := errors.Join(identity.CheckNames(len(c.Balancers) > 0, "--name", c.Name, "--zone", c.Zone, "--after", c.After), c.checkAddresses()); err != nil {
		return err
	}
	switch c.Duplication {
	case fetch.DuplicateRelay, fetch.DuplicateOrigin:
	case fetch.DuplicateMulticast:
		if group, err := netip.ParseAddrPort(c.MulticastGroup); err != nil || !group.Addr().Is4() || !group.Addr().IsMulticast() || group.Port() == 0 {
			return fmt.Errorf("--multicast-group: %q is no group; duplication multicast needs an IPv4 group and port, like 239.1.2.3:5000", c.MulticastGroup)
		}
	default:
		return fmt.Errorf("--duplication: %q is none of relay, origin, multicast", c.Duplication)
	}
	if c.SecretFile != "" {
		text, err := secret.Text(c.SecretFile)
		if err != nil {
			return fmt.Errorf("--secret-file: %w", err)
		}
		if c.Secret, err = wire.NewSecret(text); err != nil {
			return fmt.Errorf("--secret-file: %s: %w", c.SecretFile, err)
		}
	}
	if err := c.checkIdentity(); err != nil {
		return err
	}
	if len(c.Balancers) > 0 && !c.Secret.Valid() {
		return errors.New("--secret-file: an edge in a cluster needs the cluster's secret")
	}
	return c.stateCapacity()
}

// checkAddresses: others can call this edge where they are told, and it can call them.
func (c *Config) checkAddresses() error {
	for flag, text := range map[string]*string{"--advertise": &c.Advertise, "--advertise-admin": &c.AdvertiseAdmin, "--public-url": &c.PublicURL} {
		if *text == "" {
			continue
		}
		if err := call.CheckReached(flag, *text); err != nil {
			return err
		}
		*text = strings.TrimSuffix(*text, "/")
	}
	for i, b := range c.Balancers {
		if err := call.CheckBaseURL("--balancers", b); err != nil {
			return err
		}
		c.Balancers[i] = strings.TrimSuffix(b, "/")
	}
	return nil
}

// checkIdentity: what needs a certificate has one, and no origin that is not a node is
// to be told where to send objects: it would be told in clear, and would have to
// believe anybody.
func (c *Config) checkIdentity() error {
	node := slices.ContainsFunc(c.upstreams, func(u wire.Upstream) bool { return u.Node })
	switch {
	case c.NodeListen != "" && c.Identity == "":
		return errors.New("--node-listen: needs --identity")
	case !wire.IsNodeMedia(c.NodeMedia):
		return fmt.Errorf("--node-media: %q is neither tls nor plain", c.NodeMedia)
	case c.NodeMedia == wire.MediaPlain && c.Identity == "":
		return errors.New("--node-media plain: needs --identity")
	case node && c.Identity == "":
		return fmt.Errorf("%s: an origin that is a node of the cluster (node) needs --identity", c.upstreamsFrom())
	case c.Identity != "" && c.Duplication != fetch.DuplicateRelay && !node:
		return fmt.Errorf("--duplication: with --identity, %s needs an origin that is a node of the cluster: --origin-node (tandem origin --identity)", c.Duplication)
	}
	return nil
}

// assumedCapacity is what an edge of a cluster has when nobody in it has stated any
// capacity; else one that states none is given the least of the others', so that no
// limit falls by it (raftfsm). It says at each start which it is.
const assumedCapacity = 1000

// stateCapacity makes the capacity sessions, whatever it is stated in.
func (c *Config) stateCapacity() error {
	switch {
	case c.CapacityMbit > 0 && c.SessionKbit == 0:
		return errors.New("--session-kbit: capacity-mbit is given, so state what one session takes, like 5000")
	case c.CapacityMbit > 0 && c.CapacityMbit*1000 < c.SessionKbit:
		return fmt.Errorf("--capacity-mbit: %d Mbit/s is less than one session of %d kbit/s", c.CapacityMbit, c.SessionKbit)
	case c.CapacityMbit > 0:
		if sessions := c.CapacityMbit * 1000 / c.SessionKbit; c.Capacity == 0 || sessions < c.Capacity {
			c.Capacity = min(sessions, 1000000)
		}
	case c.Capacity == 0 && len(c.Balancers) > 0:
		c.Capacity, c.assumed = assumedCapacity, true
	}
	return nil
}

// told is how others reach the edge, by where its listeners are.
func (c *Config) told(address, admin string) (atAddress, atAdmin string) {
	address = strings.TrimSuffix(cmp.Or(c.Advertise, address), "/")
	return address, strings.TrimSuffix(cmp.Or(c.AdvertiseAdmin, call.ToldAdmin(admin, address)), "/")
}
