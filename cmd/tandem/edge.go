package main

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"tandem/edge"
	"tandem/internal/accesslog"
	"tandem/internal/obs"
	"tandem/internal/operator"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"

	"github.com/rs/zerolog"
)

// edgeRows say who may use what of an edge's admin listener, beside what every node has
// there.
var edgeRows = []operator.Row{{Method: "POST", Path: "/api/v1/purge", Role: operator.Operator}}

// edgeConfig is the settings of an edge and of its process.
type edgeConfig struct {
	edge.Config
	process serve.Config
	admins  adminConfig
	access  accesslog.Config
}

// Settings joins both.
func (c *edgeConfig) Settings() []setting.Row {
	return append(append(append(c.Config.Settings(), c.process.Settings()...), c.admins.Settings()...), c.access.Settings()...)
}

// Validate checks both.
func (c *edgeConfig) Validate() error {
	return cmp.Or(c.Config.Validate(), c.admins.validate(c.AdvertiseAdmin))
}

func edgeCommand() command {
	var cfg edgeConfig
	return command{
		name:    "edge",
		summary: "one edge: serves from its store, in a cluster's ring or alone as a caching proxy",
		about: "With --balancers it registers there and becomes a member of the ring. Without, it is\n" +
			"a plain caching reverse proxy for --origin.",
		example: "tandem edge --listen 127.0.0.1:8081 --origin http://127.0.0.1:8090 \\\n" +
			"  --data ./edge",
		rows:  func() []setting.Row { return cfg.Settings() },
		serve: func(ctx context.Context, again *reread) error { return runEdge(ctx, cfg, again) },
	}
}

// advertise finds the addresses by which the cluster reaches an edge that was not
// told them; secure: operators reach it with TLS.
func advertise(cfg *edge.Config, secure bool, viewers, nodes, admins net.Listener, log zerolog.Logger) (err error) {
	if cfg.Advertise == "" {
		if cfg.Advertise, err = advertised(viewers, nodes, cfg.Balancers, log); err != nil {
			return setting.Wrong(err)
		}
	}
	if cfg.AdvertiseAdmin == "" {
		told, err := serve.Advertised(admins, "--advertise-admin", cfg.Balancers, log)
		if err != nil {
			return setting.Wrong(err)
		}
		switch {
		case told == serve.BaseURL(admins): // edge.Bind knows it, and to whom it is told
		case secure:
			cfg.AdvertiseAdmin = secured(told)
		default:
			cfg.AdvertiseAdmin = told
		}
	}
	return nil
}

// nodesServer serves nodes; what balancers fetch for viewers is logged, as at the viewers'
// listener.
func nodesServer(e *edge.Edge, access *accesslog.Log) *http.Server {
	s := e.Nodes().Server()
	s.Handler = access.Handler(s.Handler)
	return s
}

func runEdge(ctx context.Context, cfg edgeConfig, again *reread) error {
	defer raiseHeap()()
	if err := cfg.Validate(); err != nil {
		return setting.Wrong(err)
	}
	life, log, err := begin("edge", cfg.Name, cfg.LogLevel, "", cfg.process)
	if err != nil {
		return err
	}
	fewer := fit(&cfg.MaxConnections, &cfg.MaxPerClient, perClient, log)
	viewers, err := life.Sockets.Listen("listen", cfg.Listen)
	if err != nil {
		return err
	}
	admins, err := life.Sockets.Listen("admin-listen", cfg.AdminListen)
	if err != nil {
		return err
	}
	nodes, err := openNodes(life, "node-listen", cfg.NodeListen)
	if err != nil {
		return err
	}
	if len(cfg.Balancers) > 0 {
		if err := advertise(&cfg.Config, cfg.admins.cert != "", viewers, nodes, admins, log); err != nil {
			return err
		}
	}
	e, err := edge.New(cfg.Config, edge.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now, Troubles: cfg.admins.troubles(time.Now)})
	if err != nil {
		return err
	}
	guarded, err := cfg.admins.guard(life, cfg.Name, admins, e.Admin(), log, edgeRows, nil)
	if err != nil {
		return errors.Join(err, e.Run(over()))
	}
	access, written, err := openAccess(cfg.access, cfg.Name, edge.KeysOf(e), len(cfg.Balancers) > 0, log)
	if err != nil {
		return errors.Join(err, e.Run(over()))
	}
	e.Bind(callable(viewers, nodes), cfg.admins.base(admins))
	log.Info().Str("http", serve.BaseURL(viewers)).Str("admin", cfg.admins.base(admins)).Msg("edge is up")
	fewer()
	server := e.Server(access.Handler(e.Handler()), access.Quick(e.Quick))
	return life.Run(
		ctx, serve.Hooks{Stop: e.Leave, Alive: server.Turn, Reopen: access.Reopen, Reload: reloader(again, func() *edgeConfig { return new(edgeConfig) }, func(c *edgeConfig) {
			obs.SetLevel(c.LogLevel)
			life.SetTimes(c.process)
			e.Reload(c.Config)
		})},
		append(
			append(append(guarded, written...), edgeNodesParts(life, "node-listen", nodes, e, access)...),
			run.Part{Name: "edge", Run: e.Run},
			life.Part(serve.Listener{Name: "listen", Socket: viewers, Server: server, Nodes: len(cfg.Balancers) > 0}),
		)...,
	)
}

// edgeNodesParts serve nodes, and what of media goes to them in clear.
func edgeNodesParts(life *serve.Life, name string, ln net.Listener, e *edge.Edge, access *accesslog.Log) []run.Part {
	n := e.Nodes()
	parts := nodesPart(life, name, ln, nodesServer(e, access), n.TLS(), n.Others())
	if media := n.Media(access.Handler, access.Quick); media != nil {
		parts = append(parts, life.Part(serve.Listener{Name: name + " (media)", Socket: ln, Server: media, Nodes: true}))
	}
	return parts
}
