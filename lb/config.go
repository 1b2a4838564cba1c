package lb

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/proxied"
	"tandem/internal/ring"
	"tandem/internal/secret"
	"tandem/internal/setting"
	"tandem/internal/wire"
	"tandem/lb/admission"
	"tandem/lb/proxy"
	"tandem/lb/steering"
	"tandem/raftfsm"
)

// Config is a balancer's settings.
type Config struct {
	Name           string
	Listen         string
	AdminListen    string
	TLSListen      string
	TLSCert        string
	TLSKey         string
	Advertise      string
	AdvertiseAdmin string
	AdminTLS       bool // the admin listener has TLS; others are told so
	Peers          []string
	Join           string
	Data           string
	SecretFile     string
	Identity       string
	NodeListen     string
	NodeMedia      string
	AccessFile     string
	Admission      string
	StateSource    string
	Choose         string
	HotShare       int
	FailSafe       string
	SessionIdle    time.Duration
	TokenLifetime  time.Duration
	KeyLife        time.Duration
	DeadAfter      time.Duration
	UnplaceAfter   time.Duration
	SilentFor      time.Duration
	PingTimeout    time.Duration
	LooseSegments  bool
	Redirect       []string

	MaxConnections int
	MaxPerClient   int
	MaxRefused     int
	HeaderTimeout  time.Duration
	IdleTimeout    time.Duration
	MinRate        int64
	MaxQueue       int64
	MaxHeld        int64
	LogLevel       string
	DemoControl    string

	Secret wire.Secret // read from SecretFile by Validate

	raft    raftfsm.Config
	proxy   proxy.Config
	steer   steering.Config
	Proxies proxied.Config
	peers   []wire.Balancer // of Peers, by Validate
}

// Settings are the rows of docs/config.md.
func (c *Config) Settings() []setting.Row {
	rows := c.ownSettings()
	rows = append(rows, c.steer.Settings()...)
	rows = append(rows, c.limitSettings()...)
	rows = append(rows, c.Proxies.Settings()...)
	rows = append(rows, c.proxy.Settings()...)
	return append(rows, c.raft.Settings()...)
}

func (c *Config) ownSettings() []setting.Row {
	const ms = time.Millisecond
	return []setting.Row{
		setting.String(&c.Name, "name", "lb-1", "Name of this balancer in the cluster, unique, and the same at each start."),
		setting.String(&c.Listen, "listen", "127.0.0.1:8080", "Address for viewers, edges and other balancers."),
		setting.String(&c.AdminListen, "admin-listen", "127.0.0.1:9080", "Address for the dashboard, the operators' API, metrics and health."),
		setting.String(&c.TLSListen, "tls-listen", "", "Address for viewers with TLS; needs tls-cert and tls-key."),
		setting.String(&c.TLSCert, "tls-cert", "", "File with the certificate chain, PEM; read anew when it changes."),
		setting.String(&c.TLSKey, "tls-key", "", "File with the certificate's key, PEM."),
		setting.String(&c.Advertise, "advertise", "", "Base URL by which edges and balancers reach this one (default: that in peers, else from listen)."),
		setting.String(&c.AdvertiseAdmin, "advertise-admin", "", "Base URL of the admin listener for others (default: from admin-listen; none, where that is a loopback address and the balancer is reached at another one)."),
		setting.List(&c.Peers, "peers", "The first balancers, the same list on each: NAME=RAFT-ADDRESS=URL, this one included; none: it is the only one."),
		setting.String(&c.Join, "join", "", "Base URL of any balancer of a running cluster that this one joins."),
		setting.String(&c.Data, "data", "", "Directory of this balancer's copy of the placement; required."),
		setting.String(&c.SecretFile, "secret-file", "", "File with the cluster's secret, at least 16 bytes; required."),
		setting.String(&c.Identity, "identity", "", "Directory of this node's certificate (tandem cluster init, tandem join): nodes prove to each other who they are, and what they say, Raft included, is encrypted. Or one that holds those of several nodes, by name."),
		setting.String(&c.NodeListen, "node-listen", "", "Address for edges and other balancers, with TLS and both sides' certificates, apart from viewers'; needs identity (default: nodes call listen, by TLS, and viewers there find none of their endpoints)."),
		setting.String(&c.NodeMedia, "node-media", wire.MediaTLS, "How media comes from edges: tls, or plain, from those that say so too (docs/security.md): heads sealed, bodies in clear, for networks whose wires are yours; needs identity."),
		setting.String(&c.AccessFile, "access-file", "", "File with the rules of who may open which stream: viewers' tokens, addresses, countries (docs/access.md); it, its keys and its geo file are read anew when they change."),
		setting.String(&c.Admission, "admission", ring.FailSafeAdmission, "failsafe: one death leaves nobody above capacity (claim 8); pair: pair sums only. The cluster's first balancer sets it; the API changes it."),
		setting.String(&c.StateSource, "state-source", admission.StatePush, "Where the edges' state comes from: push (claim 4), load (claim 3) or query (claim 2)."),
		setting.String(&c.Choose, "choose", ring.ChooseLeast, "Who of those that store a stream delivers: least, the least loaded of all (claims 2-4), or first, the first of its pairs that has room (the flow chart S121-S132)."),
		setting.Int(&c.HotShare, "hot-share", ring.DefaultHotShare, 0, 100, "percent of the limit", "With choose least: a stream whose edges all have this much to do goes to one more pair, when another has less; 0: never."),
		setting.String(&c.FailSafe, "fail-safe", ring.FailSafeRoom, "What edges that stand in for a dead one are given: room, new streams too, after all others, where one more death would be survived or else up to their capacity; strict, none (claims 12, 13)."),
		setting.Duration(&c.SessionIdle, "session-idle", time.Minute, time.Second, 24*time.Hour, "A session for which nothing was asked for so long ends; the same as the edges'."),
		setting.Duration(&c.TokenLifetime, "token-lifetime", 24*time.Hour, time.Minute, 365*24*time.Hour, "How long a session's address is good."),
		setting.Duration(&c.KeyLife, "key-life", 24*time.Hour, time.Minute, 365*24*time.Hour, "How often the keys change that seal sessions' addresses and datagrams; a former one is good until token-lifetime has passed."),
		setting.List(&c.Redirect, "redirect", "Streams, by the beginning of their paths, whose viewers fetch media from the edges themselves (--public-url): a response that an edge's death breaks is asked for again by the player (docs/takeover.md). None: this balancer carries all bytes."),
		setting.Bool(&c.LooseSegments, "loose-segments", true, "Segments without a session are served."),
		setting.Duration(&c.DeadAfter, "dead-after", 10*time.Minute, 0, 365*24*time.Hour, "A member that is down for so long is removed for good, and the ring closes over it; 0: never."),
		setting.Duration(&c.UnplaceAfter, "unplace-after", 10*time.Minute, 0, 365*24*time.Hour, "A stream that nobody has watched for so long leaves the placement, which makes room for other names; edges keep what they store of it. 0: never."),
		setting.Duration(&c.SilentFor, "silent-for", 750*ms, 50*ms, time.Minute, "An edge whose reports are missing for so long is pinged."),
		setting.Duration(&c.PingTimeout, "ping-timeout", 300*ms, 10*ms, time.Minute, "How long an edge may take to answer a ping before it is dead."),
		setting.String(&c.DemoControl, "demo-control", "", "In a demo: where the page's orders to kill, stop and start nodes are passed on."),
		setting.String(&c.LogLevel, "log-level", "info", "debug, info, warn or error.").Reloadable(),
	}
}

func (c *Config) limitSettings() []setting.Row {
	return []setting.Row{
		setting.Int(&c.MaxConnections, "max-connections", 20000, 1, 1000000, "connections", "Most connections of viewers, edges and balancers at once; further ones are reset.").Reloadable(),
		setting.Int(&c.MaxPerClient, "max-connections-per-client", 1000, 1, 1000000, "connections", "Most of them from one address (IPv6: /64).").Reloadable(),
		setting.Int(&c.MaxRefused, "max-refused-per-client", 600, 0, 1000000, "openings a minute", "An address (IPv6: /64) that was refused a session so often is refused at once, with 429, and no edge is asked; 0: never."),
		setting.Duration(&c.HeaderTimeout, "header-timeout", 5*time.Second, 100*time.Millisecond, time.Minute, "How long a client may take to send the head of a request."),
		setting.Duration(&c.IdleTimeout, "idle-timeout", 75*time.Second, time.Second, time.Hour, "How long a connection may be idle between requests."),
		setting.Bytes(&c.MaxQueue, "max-queue", 32<<10, 0, 16<<20, "Most bytes that lie in the kernel for one client and could not be sent to it yet; 0: what the system likes."),
		setting.Bytes(&c.MaxHeld, "max-held", 0, 0, 1<<40, "Most bytes of memory that the kernel holds for viewers who do not take what they asked for, in all; beyond it those who hold most, for longest, are reset. 0: half of what the kernel lets all connections of the machine have before it presses them (net.ipv4.tcp_mem).").Reloadable(),
		setting.Bytes(&c.MinRate, "min-rate", 1024, 0, 1<<30, "Bytes a second below which a client that has a body to take is cut off; 0: never."),
	}
}

// Validate names the first setting that can't be, and the fix.
func (c *Config) Validate() error {
	switch {
	case !identity.IsName(c.Name):
		return fmt.Errorf("--name: %q is no name: 1 to 64 letters, digits, '-', '.' or '_'", c.Name)
	case c.Data == "":
		return errors.New("--data: a directory for the placement is required")
	case c.Admission != ring.FailSafeAdmission && c.Admission != ring.PairAdmission:
		return fmt.Errorf("--admission: %q is none of failsafe, pair", c.Admission)
	case c.Choose != ring.ChooseLeast && c.Choose != ring.ChooseFirst:
		return fmt.Errorf("--choose: %q is neither least nor first", c.Choose)
	case c.FailSafe != ring.FailSafeRoom && c.FailSafe != ring.FailSafeStrict:
		return fmt.Errorf("--fail-safe: %q is neither room nor strict", c.FailSafe)
	case c.StateSource != admission.StatePush && c.StateSource != admission.StateLoad && c.StateSource != admission.StateQuery:
		return fmt.Errorf("--state-source: %q is none of push, load, query", c.StateSource)
	case c.Join != "" && len(c.Peers) > 0:
		return errors.New("--join: peers is given too; the first balancers get --peers, a later one --join")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert: a certificate and its key (--tls-key) belong together")
	case c.TLSListen != "" && c.TLSCert == "":
		return errors.New("--tls-listen: needs --tls-cert and --tls-key")
	case c.NodeListen != "" && c.Identity == "":
		return errors.New("--node-listen: needs --identity")
	case !wire.IsNodeMedia(c.NodeMedia):
		return fmt.Errorf("--node-media: %q is neither tls nor plain", c.NodeMedia)
	case c.NodeMedia == wire.MediaPlain && c.Identity == "":
		return errors.New("--node-media plain: needs --identity")
	}
	for _, prefix := range c.Redirect {
		if !strings.HasPrefix(prefix, "/") {
			return fmt.Errorf("--redirect: %q is not the beginning of a path: /live/, or / for all", prefix)
		}
	}
	if err := c.steer.Validate(); err != nil {
		return err
	}
	for flag, text := range map[string]*string{"--advertise": &c.Advertise, "--advertise-admin": &c.AdvertiseAdmin, "--join": &c.Join} {
		if *text == "" {
			continue
		}
		check := call.CheckReached
		if text == &c.Join { // which is called from here
			check = call.CheckBaseURL
		}
		if err := check(flag, *text); err != nil {
			return err
		}
		*text = strings.TrimSuffix(*text, "/")
	}
	if err := c.readPeers(); err != nil {
		return err
	}
	if at := c.raft.Advertise; at != "" {
		if err := call.CheckAddress("--raft-advertise", at); err != nil {
			return err
		}
	}
	if err := cmp.Or(c.Proxies.Validate(), c.raft.CheckTimes()); err != nil {
		return err
	}
	return c.readSecret()
}

func (c *Config) readPeers() error {
	c.peers = nil
	mine := false
	for _, text := range c.Peers {
		parts := strings.SplitN(text, "=", 3)
		if len(parts) != 3 || parts[0] == "" {
			return fmt.Errorf("--peers: %q: want NAME=RAFT-ADDRESS=URL, like lb-1=10.0.0.1:7080=http://10.0.0.1:8080", text)
		}
		if err := cmp.Or(call.CheckAddress("--peers", parts[1]), call.CheckReached("--peers", parts[2])); err != nil {
			return err
		}
		for _, before := range c.peers {
			if before.Name == parts[0] || before.Raft == parts[1] {
				return fmt.Errorf("--peers: %q: %s is there before, and has the same name or Raft address", text, before.Name)
			}
		}
		mine = mine || parts[0] == c.Name
		c.peers = append(c.peers, wire.Balancer{Name: parts[0], Raft: parts[1], HTTP: strings.TrimSuffix(parts[2], "/")})
	}
	if len(c.peers) > 0 && !mine {
		return fmt.Errorf("--peers: %s itself is not in the list; a later balancer is given --join instead", c.Name)
	}
	return nil
}

func (c *Config) readSecret() error {
	if c.SecretFile == "" {
		if c.Secret.Valid() {
			return nil
		}
		return errors.New("--secret-file: the cluster's secret is required")
	}
	text, err := secret.Text(c.SecretFile)
	if err != nil {
		return fmt.Errorf("--secret-file: %w", err)
	}
	if c.Secret, err = wire.NewSecret(text); err != nil {
		return fmt.Errorf("--secret-file: %s: %w", c.SecretFile, err)
	}
	return nil
}

// Advertised sets the base URL by which others reach this balancer, unless it is
// known: find is asked then.
func (c *Config) Advertised(find func() (string, error)) (err error) {
	if c.Advertise == "" && c.listed() == "" {
		c.Advertise, err = find()
	}
	return err
}

// listed is this balancer's base URL in the list of the first ones.
func (c *Config) listed() string {
	for _, p := range c.peers {
		if p.Name == c.Name {
			return p.HTTP
		}
	}
	return ""
}

// self is this balancer as the others know it.
func (c *Config) self(raftAddr string) wire.Balancer {
	b := wire.Balancer{Name: c.Name, HTTP: c.Advertise, Admin: c.AdvertiseAdmin, Raft: raftAddr}
	if b.HTTP == "" {
		b.HTTP = c.listed()
	}
	if b.HTTP == "" {
		b.HTTP = "http://" + c.Listen
		if c.NodeListen != "" {
			b.HTTP = "https://" + c.NodeListen
		}
	}
	if b.Admin == "" {
		b.Admin = call.ToldAdmin(c.admin(b.HTTP), b.HTTP)
	}
	return b
}

// admin is the base URL of the admin listener of a balancer that is reached at base.
func (c *Config) admin(base string) string {
	host := ""
	if u, err := url.Parse(base); err == nil {
		host = u.Hostname()
	}
	return reachable(c.AdminListen, host, c.AdminTLS)
}

// reachable is the base URL of a listener. One that listens at all addresses is
// called by the given host.
func reachable(listen, host string, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	at, port, err := net.SplitHostPort(listen)
	if err != nil {
		return scheme + listen
	}
	if ip := net.ParseIP(at); at == "" || ip != nil && ip.IsUnspecified() {
		at = host
	}
	return scheme + net.JoinHostPort(at, port)
}

// RaftListen is where the copies of the placement talk to each other.
func (c *Config) RaftListen() string {
	switch {
	case c.raft.Bind != "":
		return c.raft.Bind
	case c.raft.Advertise != "":
		return c.raft.Advertise
	}
	for _, p := range c.peers {
		if p.Name == c.Name {
			return p.Raft
		}
	}
	return "127.0.0.1:0"
}

// SaysRaft tells whether a setting says where others call this balancer for Raft.
func (c *Config) SaysRaft() bool { return c.raft.Advertise != "" || c.listed() != "" }

// UseRaft gives the balancer a listener there; its replica takes it over. Of one at all
// addresses others are told the host by which they call this balancer, after Advertised, unless
// a setting says another: told is that, else "".
func (c *Config) UseRaft(l net.Listener) (told string) {
	c.raft.Listener = l
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() || c.SaysRaft() {
		return ""
	}
	if u, err := url.Parse(c.Advertise); err == nil {
		c.raft.Advertise = net.JoinHostPort(u.Hostname(), strconv.Itoa(tcp.Port))
	}
	return c.raft.Advertise
}

// Recover makes the balancer the only one that votes, by what is on its disk. The
// same order is carried out once.
func (c *Config) Recover(order string) { c.raft.Recover = order }

// Aside puts what is on the disk of before an era of the cluster aside: the balancer at
// that base URL lets this one in anew. Only after Validate.
func (c *Config) Aside(era uint64, at string) { c.raft.Aside, c.Join = era, at }

// dashboard is where the page is, in a demo: elsewhere viewers are not told.
func (c *Config) dashboard() string {
	if c.DemoControl == "" {
		return ""
	}
	self := c.self("")
	return cmp.Or(self.Admin, c.admin(self.HTTP)) + "/"
}
