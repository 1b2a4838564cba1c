package main

import (
	"context"
	"io"
	"os"
	"time"

	"tandem/internal/obs"
	"tandem/internal/run"
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
		return &usageError{err}
	}
	log, err := obs.Logger(os.Stderr, cfg.Name, cfg.LogLevel)
	if err != nil {
		return &usageError{err}
	}
	doors, closeAll, err := balancerListeners(&cfg)
	if err != nil {
		return err
	}
	defer closeAll()
	b, err := lb.New(cfg, lb.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now})
	if err != nil {
		return err
	}
	log.Info().Str("http", baseURL(doors.viewers)).Str("admin", baseURL(doors.admins)).Msg("balancer is up")
	parts := []run.Part{{Name: "lb", Run: b.Run}, admin(doors.admins, b.Admin()).part()}
	return run.Group(ctx, append(parts, doors.viewerParts(b, b.Handler(), b.Relays)...)...)
}
