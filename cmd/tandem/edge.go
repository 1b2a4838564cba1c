package main

import (
	"context"
	"io"
	"os"
	"time"

	"tandem/edge"
	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
)

func edgeCommand() command {
	var cfg edge.Config
	return command{
		name:    "edge",
		summary: "one edge: serves from its store, in a cluster's ring or alone as a caching proxy",
		about: "With --balancers it registers there and becomes a member of the ring. Without, it is\n" +
			"a plain caching reverse proxy for --origin.",
		example: "tandem edge --listen 127.0.0.1:8081 --origin http://127.0.0.1:8090 --data ./edge",
		rows:    func() []setting.Row { return cfg.Settings() },
		run:     func(ctx context.Context, _ []string, _ io.Writer) error { return runEdge(ctx, cfg) },
	}
}

func runEdge(ctx context.Context, cfg edge.Config) error {
	defer raiseHeap()()
	if err := cfg.Validate(); err != nil {
		return setting.Wrong(err)
	}
	log, err := obs.Logger(os.Stderr, cfg.Name, cfg.LogLevel)
	if err != nil {
		return setting.Wrong(err)
	}
	viewers, err := serve.Listen("--listen", cfg.Listen)
	if err != nil {
		return err
	}
	defer viewers.Close()
	admins, err := serve.Listen("--admin-listen", cfg.AdminListen)
	if err != nil {
		return err
	}
	defer admins.Close()
	e, err := edge.New(cfg, edge.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now})
	if err != nil {
		return err
	}
	e.Bind(serve.BaseURL(viewers), serve.BaseURL(admins))
	log.Info().Str("http", serve.BaseURL(viewers)).Str("admin", serve.BaseURL(admins)).Msg("edge is up")
	return run.Group(
		ctx,
		run.Part{Name: "edge", Run: e.Run},
		serve.Admin(admins, e.Admin()).Part(),
		serve.Listener{Name: "listen", Socket: viewers, Server: e.Server()}.Part(),
	)
}
