package main

import (
	"context"
	"io"
	"os"
	"time"

	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/lb"
)

func lbCommand() command {
	var cfg lb.Config
	return command{
		name:    "lb",
		summary: "one balancer: admits viewers, carries the bytes, finishes what an edge began",
		about: "The first balancers of a cluster are all given the same --peers; a later one is given\n" +
			"--join. Without either it is a cluster's only balancer.",
		example: "tandem lb --name lb-1 --listen 127.0.0.1:8080 --admin-listen 127.0.0.1:9080 --raft-listen 127.0.0.1:7080 \\\n" +
			"  --data ./lb-1 --secret-file ./secret",
		rows: func() []setting.Row { return cfg.Settings() },
		run:  func(ctx context.Context, _ []string, _ io.Writer) error { return runLB(ctx, cfg) },
	}
}

func runLB(ctx context.Context, cfg lb.Config) error {
	defer raiseHeap()()
	if err := cfg.Validate(); err != nil {
		return setting.Wrong(err)
	}
	log, err := obs.Logger(os.Stderr, cfg.Name, cfg.LogLevel)
	if err != nil {
		return setting.Wrong(err)
	}
	listeners, closeAll, err := openBalancer(&cfg)
	if err != nil {
		return err
	}
	defer closeAll()
	b, err := lb.New(cfg, lb.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now})
	if err != nil {
		return err
	}
	log.Info().Str("http", serve.BaseURL(listeners.viewers)).Str("admin", serve.BaseURL(listeners.admins)).Msg("balancer is up")
	parts := []run.Part{{Name: "lb", Run: b.Run}, serve.Admin(listeners.admins, b.Admin()).Part()}
	return run.Group(ctx, append(parts, listeners.viewerParts(b, b.Handler(), b.Relays)...)...)
}
