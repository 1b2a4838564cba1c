package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/serve"
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
		return setting.Wrong(err)
	}
	log, err := obs.Logger(os.Stderr, "origin", cfg.LogLevel)
	if err != nil {
		return setting.Wrong(err)
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
	log.Info().Str("http", serve.BaseURL(viewers)).Str("admin", serve.BaseURL(admins)).Msg("origin is up")
	return run.Group(
		ctx,
		run.Part{Name: "origin", Run: o.Run},
		serve.Admin(admins, o.Admin()).Part(),
		serve.Listener{Name: "listen", Socket: viewers, Server: &http.Server{Handler: o.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}}.Part(),
	)
}
