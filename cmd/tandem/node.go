package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tandem/edge"
	"tandem/internal/accesslog"
	"tandem/internal/front"
	"tandem/internal/node"
	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/lb"
	"tandem/lb/api"

	"github.com/rs/zerolog"
)

// nodeConfig is the settings of a node: a balancer's as they are, an edge's
// where they mean something else.
type nodeConfig struct {
	lb      lb.Config
	edge    edge.Config
	process serve.Config
	admins  adminConfig
	access  accesslog.Config
}

// apart are the edge's settings that a balancer has as well, and that differ:
// they are named edge-listen and so on.
var apart = []string{"listen", "admin-listen", "advertise", "advertise-admin", "node-listen"}

// Settings joins the two tables.
func (c *nodeConfig) Settings() []setting.Row {
	rows := c.lb.Settings()
	known := map[string]bool{}
	for _, row := range rows {
		known[row.Name] = true
	}
	for _, row := range c.edge.Settings() {
		switch {
		case slices.Contains(apart, row.Name):
			row.Name, row.Help = "edge-"+row.Name, "The edge's: "+row.Help
		case known[row.Name]:
			continue // name, data, secret-file, log-level, session-idle, what clients may take: one for both
		}
		rows = append(rows, row)
	}
	return append(append(append(rows, c.process.Settings()...), c.admins.Settings()...), c.access.Settings()...)
}

// Validate copies what both share, and checks both.
func (c *nodeConfig) Validate() error {
	if c.lb.Data == "" {
		return errors.New("--data: a directory for the store and the placement is required")
	}
	base := c.lb.Data
	c.edge.Name, c.edge.SecretFile, c.edge.LogLevel, c.edge.SessionIdle, c.edge.Identity = c.lb.Name, c.lb.SecretFile, c.lb.LogLevel, c.lb.SessionIdle, c.lb.Identity
	c.edge.MaxConnections, c.edge.MaxPerClient, c.edge.HeaderTimeout, c.edge.MinRate, c.edge.MaxQueue, c.edge.MaxHeld = c.lb.MaxConnections, c.lb.MaxPerClient, c.lb.HeaderTimeout, c.lb.MinRate, c.lb.MaxQueue, c.lb.MaxHeld
	c.edge.Proxies = c.lb.Proxies
	c.lb.Data, c.edge.Data = filepath.Join(base, "lb"), filepath.Join(base, "edge")
	if err := serve.CheckListen("--listen", c.lb.Listen); err != nil { // by which the edge calls it
		return err
	}
	if len(c.edge.Balancers) == 0 {
		c.edge.Balancers = []string{"http://" + local(c.lb.Listen)}
		if c.lb.NodeListen != "" {
			c.edge.Balancers = []string{"https://" + local(c.lb.NodeListen)}
		}
	}
	if err := c.lb.Validate(); err != nil {
		return err
	}
	if err := ofEdge(c.edge.Validate()); err != nil {
		return err
	}
	return cmp.Or(c.admins.validate(c.lb.AdvertiseAdmin), ofEdge(c.admins.validate(c.edge.AdvertiseAdmin)))
}

// ofEdge names a setting of the edge's as a node has it.
func ofEdge(err error) error {
	if err == nil {
		return nil
	}
	for _, name := range apart {
		if rest, ok := strings.CutPrefix(err.Error(), "--"+name+":"); ok {
			return fmt.Errorf("--edge-%s:%s", name, rest)
		}
	}
	return err
}

// local is where a process reaches its own listener.
func local(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

func nodeCommand() command {
	var cfg nodeConfig
	return command{
		name:    "node",
		summary: "a balancer and an edge in one process (paragraph 84)",
		about: "What this balancer would carry to the edge of its own process is served from the edge's store\n" +
			"with no hop. The edge has a listener of its own (--edge-listen) for its neighbours and the\n" +
			"other balancers.",
		example: "tandem node --name node-1 --origin http://127.0.0.1:8090 \\\n" +
			"  --data ./node-1 --secret-file ./secret",
		rows:  func() []setting.Row { return cfg.Settings() },
		serve: func(ctx context.Context, again *reread) error { return runNode(ctx, cfg, again) },
	}
}

// guard puts a gate before both admin listeners.
func (c *nodeConfig) guard(life *serve.Life, lbAdmins, edgeAdmins net.Listener, b *lb.LB, e *edge.Edge, log zerolog.Logger) ([]run.Part, error) {
	first, err := c.admins.guard(life, c.lb.Name, lbAdmins, b.Admin(), log, api.Roles, b.Process().Audit)
	if err != nil {
		return nil, err
	}
	second, err := c.admins.guard(life, c.lb.Name, edgeAdmins, e.Admin(), log, nil, b.Process().Audit)
	return append(first, second...), ofEdge(err)
}

// openEdge opens the edge's sockets, and finds out where others reach it.
func (c *nodeConfig) openEdge(life *serve.Life, log zerolog.Logger) (data, nodes, admins net.Listener, err error) {
	if data, err = life.Sockets.Listen("edge-listen", c.edge.Listen); err == nil {
		admins, err = life.Sockets.Listen("edge-admin-listen", c.edge.AdminListen)
	}
	if err == nil {
		nodes, err = openNodes(life, "edge-node-listen", c.edge.NodeListen)
	}
	if err == nil {
		err = advertise(&c.edge, c.admins.cert != "", data, nodes, admins, log)
	}
	return data, nodes, admins, err
}

func runNode(ctx context.Context, cfg nodeConfig, again *reread) error {
	defer raiseHeap()()
	if err := cfg.Validate(); err != nil {
		return setting.Wrong(err)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.lb.Data), 0o700); err != nil {
		return setting.Wrong(fmt.Errorf("--data: %w", err))
	}
	life, log, err := begin("node", cfg.lb.Name, cfg.lb.LogLevel, "", cfg.process)
	if err != nil {
		return err
	}
	fewer := fit(&cfg.lb.MaxConnections, &cfg.lb.MaxPerClient, perViewer, log)
	fit(&cfg.edge.MaxConnections, &cfg.edge.MaxPerClient, perViewer, zerolog.Nop()) // the same
	cfg.lb.AdminTLS = cfg.admins.cert != ""
	listeners, err := openBalancer(life.Sockets, &cfg.lb, log)
	if err != nil {
		return err
	}
	data, nodes, admins, err := cfg.openEdge(life, log)
	if err != nil {
		return err
	}
	b, err := lb.New(cfg.lb, lb.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now, Reload: func() (any, error) { return life.Reload() }, Troubles: cfg.admins.troubles(time.Now), TakenOut: func() { life.LameDuck("listen", "tls-listen") }})
	if err != nil {
		return err
	}
	e, err := edge.New(cfg.edge, edge.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now})
	if err != nil {
		return errors.Join(err, b.Run(over()))
	}
	guarded, err := cfg.guard(life, listeners.admins, admins, b, e, log)
	if err != nil {
		return errors.Join(err, e.Run(over()), b.Run(over()))
	}
	access, written, err := openAccess(cfg.access, cfg.lb.Name, b.Keys(), false, log)
	if err != nil {
		return errors.Join(err, e.Run(over()), b.Run(over()))
	}
	e.Bind(callable(data, nodes), cfg.admins.base(admins))
	log.Info().Str("http", serve.BaseURL(listeners.viewers)).Str("admin", cfg.admins.base(listeners.admins)).Str("edge", serve.BaseURL(data)).Msg("node is up")
	fewer()
	near := &node.LocalEdge{
		Name: cfg.lb.Name, Keys: b.Keys(), Placement: b.Placement, Edge: e.Handler(), Balancer: b.Handler(), Relays: b.Relays,
		Hits: func(l *front.Loop) front.Quick { return e.QuickVia(l, node.Via) }, Balanced: cfg.lb.Steers, Now: time.Now,
	}
	front, viewers := listeners.viewerParts(life, b, access, near, near.Quick)
	parts := []run.Part{ // the balancer's loops stand below the edge's, which register there
		{Name: "lb", Run: b.Run},
		{Name: "edge", Run: e.Run},
		life.Part(serve.Listener{Name: "edge-listen", Socket: data, Server: e.Server(e.Handler(), e.Quick), Nodes: true}),
	}
	hooks := serve.Hooks{Stop: e.Leave, Drain: b.Process().Drain, Alive: front.Turn, Reopen: access.Reopen}
	hooks.Reload = reloader(again, func() *nodeConfig { return new(nodeConfig) }, func(c *nodeConfig) {
		obs.SetLevel(c.lb.LogLevel)
		life.SetTimes(c.process)
		fit(&c.lb.MaxConnections, &c.lb.MaxPerClient, perViewer, log)()
		b.Process().Reload(c.lb)
		e.Reload(c.edge)
	})
	return life.Run(ctx, hooks, slices.Concat(parts, edgeNodesParts(life, "edge-node-listen", nodes, e, nil), guarded, written, viewers)...)
}
