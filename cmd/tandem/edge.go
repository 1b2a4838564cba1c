package main

import (
	"context"
	"io"
	"os"
	"time"

	"tandem/edge"
	"tandem/internal/obs"
	"tandem/internal/run"
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
		return &usageError{err}
	}
	log, err := obs.Logger(os.Stderr, cfg.Name, cfg.LogLevel)
	if err != nil {
		return &usageError{err}
	}
	viewers, err := open("--listen", cfg.Listen)
	if err != nil {
		return err
	}
	defer viewers.Close()
	admins, err := open("--admin-listen", cfg.AdminListen)
	if err != nil {
		return err
	}
	defer admins.Close()
	e, err := edge.New(cfg, edge.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now})
	if err != nil {
		return err
	}
	e.Bind(baseURL(viewers), baseURL(admins))
	log.Info().Str("http", baseURL(viewers)).Str("admin", baseURL(admins)).Msg("edge is up")
	return run.Group(
		ctx,
		run.Part{Name: "edge", Run: e.Run},
		admin(admins, e.Admin()).part(),
		door{name: "listen", ln: viewers, server: e.Server()}.part(),
	)
}
