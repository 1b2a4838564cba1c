package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/setting"
	"tandem/origin"
)

func originCommand() command {
	var cfg origin.Config
	return command{
		name:    "origin",
		summary: "serve stored streams, take live ones in, loop stored ones as live channels",
		example: "tandem origin --listen 127.0.0.1:8090 --media ./media\ntandem origin --sample --loop live=/sample/",
		rows:    func() []setting.Row { return cfg.Settings() },
		run:     func(ctx context.Context, _ []string, _ io.Writer) error { return runOrigin(ctx, cfg) },
	}
}

func runOrigin(ctx context.Context, cfg origin.Config) error {
	if err := cfg.Validate(); err != nil {
		return &usageError{err}
	}
	log, err := obs.Logger(os.Stderr, "origin", cfg.LogLevel)
	if err != nil {
		return &usageError{err}
	}
	secret, err := secretOf(cfg.SecretFile)
	if err != nil {
		return err
	}
	o, err := origin.New(cfg, origin.Deps{Logger: log, Registry: obs.Registry(), Now: time.Now, Secret: secret})
	if err != nil {
		return err
	}
	defer o.Close()
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
	log.Info().Str("http", baseURL(viewers)).Str("admin", baseURL(admins)).Msg("origin is up")
	return run.Group(
		ctx,
		run.Part{Name: "origin", Run: o.Run},
		admin(admins, o.Admin()).part(),
		door{name: "listen", ln: viewers, server: &http.Server{Handler: o.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}}.part(),
	)
}
