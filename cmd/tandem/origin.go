package main

import (
	"cmp"
	"context"
	"io"
	stdlog "log"
	"net/http"
	"time"

	"tandem/internal/obs"
	"tandem/internal/operator"
	"tandem/internal/rights"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/origin"
)

// originConfig is the settings of an origin and of its process.
type originConfig struct {
	origin.Config
	process serve.Config
	admins  adminConfig
}

// Settings joins both.
func (c *originConfig) Settings() []setting.Row {
	return append(append(c.Config.Settings(), c.process.Settings()...), c.admins.Settings()...)
}

// originRows say who may use what of an origin's admin listener, beside what every
// node has there.
var originRows = []operator.Row{
	{Method: "GET", Path: "/_tandem/catalog", Role: operator.Viewer},
	{Method: "GET", Path: "/_tandem/counts", Role: operator.Viewer},
	{Method: "POST", Path: "/_tandem/counts", Role: operator.Operator},
}

// Validate checks both.
func (c *originConfig) Validate() error {
	return cmp.Or(c.Config.Validate(), c.admins.validate(""))
}

// look is what the start says of files and directories.
func (c *originConfig) look() error {
	_, err := secretOf(c.SecretFile)
	return cmp.Or(err, c.Look())
}

func originCommand() command {
	var cfg originConfig
	return command{
		name:    "origin",
		summary: "serve stored streams, take live ones in, loop stored ones as live channels",
		example: "tandem origin --listen 127.0.0.1:8090 --media ./media\ntandem origin --sample --loop live=/sample/",
		rows:    func() []setting.Row { return cfg.Settings() },
		serve:   func(ctx context.Context, again *reread) error { return runOrigin(ctx, cfg, again) },
	}
}

func runOrigin(ctx context.Context, cfg originConfig, again *reread) error {
	if err := cfg.Validate(); err != nil {
		return setting.Wrong(err)
	}
	life, log, err := begin("origin", cfg.Name, cfg.LogLevel, "", cfg.process)
	if err != nil {
		return err
	}
	fewer := fit(&cfg.MaxConnections, &cfg.MaxPerClient, perClient, log)
	secret, err := secretOf(cfg.SecretFile)
	if err != nil {
		return err
	}
	o, err := origin.New(cfg.Config, origin.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now, Secret: secret})
	if err != nil {
		return err
	}
	defer o.Close()
	viewers, err := life.Sockets.Listen("listen", cfg.Listen)
	if err != nil {
		return err
	}
	admins, err := life.Sockets.Listen("admin-listen", cfg.AdminListen)
	if err != nil {
		return err
	}
	guarded, err := cfg.admins.guard(life, "origin", admins, o.Admin(), log, originRows, nil)
	if err != nil {
		return err
	}
	nodes, err := openNodes(life, "node-listen", cfg.NodeListen)
	if err != nil {
		return err
	}
	log.Info().Str("http", serve.BaseURL(viewers)).Str("admin", cfg.admins.base(admins)).Msg("origin is up")
	fewer()
	server := o.Server(o.Handler())
	handler, config := o.Nodes()
	ofNodes := rights.OnConnections(&http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: stdlog.New(io.Discard, "", 0)}) // handshakes that failed: who dialled says why
	return life.Run(
		ctx, serve.Hooks{Alive: server.Turn, Reload: reloader(again, func() *originConfig { return new(originConfig) }, func(c *originConfig) {
			obs.SetLevel(c.LogLevel)
			life.SetTimes(c.process)
		})},
		append(
			append(guarded, nodesPart(life, "node-listen", nodes, ofNodes, config, nil)...),
			run.Part{Name: "origin", Run: o.Run},
			life.Part(serve.Listener{Name: "listen", Socket: viewers, Server: server, Nodes: true}),
		)...,
	)
}
