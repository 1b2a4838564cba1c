package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"tandem/internal/accesslog"
	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/serve"
	"tandem/internal/setting"
	"tandem/lb"
	"tandem/lb/api"
)

// lbConfig is the settings of a balancer and of its process.
type lbConfig struct {
	lb.Config
	process serve.Config
	admins  adminConfig
	access  accesslog.Config
}

// Settings joins both.
func (c *lbConfig) Settings() []setting.Row {
	rows := append(append(c.Config.Settings(), c.process.Settings()...), c.admins.Settings()...)
	return append(append(rows, c.access.Settings()...), c.process.ReplaceSetting())
}

// Validate checks both.
func (c *lbConfig) Validate() error {
	return cmp.Or(c.Config.Validate(), c.admins.validate(c.AdvertiseAdmin))
}

func lbCommand() command {
	var cfg lbConfig
	return command{
		name:    "lb",
		summary: "one balancer: admits viewers, carries the bytes, finishes what an edge began",
		about: "The first balancers of a cluster are all given the same --peers; a later one is given\n" +
			"--join. Without either it is a cluster's only balancer. SIGTERM ends it in order; SIGUSR2\n" +
			"starts the binary anew and hands the sockets over, so that no viewer's request fails.",
		example: "tandem lb --name lb-1 --listen 127.0.0.1:8080 \\\n" +
			"  --admin-listen 127.0.0.1:9080 --raft-listen 127.0.0.1:7080 \\\n" +
			"  --data ./lb-1 --secret-file ./secret",
		rows:  func() []setting.Row { return cfg.Settings() },
		serve: func(ctx context.Context, again *reread) error { return runLB(ctx, cfg, again) },
	}
}

// recoverEnv brings the order to go on alone to the process that carries it out, asideEnv
// that of putting aside what is on the disk of before a recovery of the cluster.
const (
	recoverEnv = "TANDEM_LB_RECOVER"
	asideEnv   = "TANDEM_LB_ASIDE"
)

// orders takes what the process before this one had it do.
func orders(cfg *lb.Config) {
	cfg.Recover(os.Getenv(recoverEnv))
	text, at, _ := strings.Cut(os.Getenv(asideEnv), " ")
	if era, err := strconv.ParseUint(text, 10, 64); err == nil {
		cfg.Aside(era, at)
	}
	_, _ = os.Unsetenv(recoverEnv), os.Unsetenv(asideEnv)
}

func runLB(ctx context.Context, cfg lbConfig, again *reread) error {
	defer raiseHeap()()
	if err := cfg.Validate(); err != nil {
		return setting.Wrong(err)
	}
	life, log, err := begin("lb", cfg.Name, cfg.LogLevel, cfg.Data, cfg.process)
	if err != nil {
		return err
	}
	fewer := fit(&cfg.MaxConnections, &cfg.MaxPerClient, perViewer, log)
	orders(&cfg.Config)
	cfg.AdminTLS = cfg.admins.cert != ""
	listeners, err := openBalancer(life.Sockets, &cfg.Config, log)
	if err != nil {
		return err
	}
	if err := life.Claim(); err != nil {
		return err
	}
	b, err := lb.New(cfg.Config, lb.Deps{
		Logger: log, Registry: obs.Registry(), Now: time.Now,
		Troubles: cfg.admins.troubles(time.Now),
		Reload:   func() (any, error) { return life.Reload() }, Recover: func(order string) error { return life.Respawn(recoverEnv + "=" + order) },
		TakenOut: func() { life.LameDuck("listen", "tls-listen") },
		Anew: func(era uint64, at string) error {
			return life.Respawn(asideEnv + "=" + strconv.FormatUint(era, 10) + " " + at)
		},
	})
	if err != nil {
		return err
	}
	admins, err := cfg.admins.guard(life, cfg.Name, listeners.admins, b.Admin(), log, api.Roles, b.Process().Audit)
	if err != nil {
		return errors.Join(err, b.Run(over()))
	}
	access, written, err := openAccess(cfg.access, cfg.Name, b.Keys(), false, log)
	if err != nil {
		return errors.Join(err, b.Run(over()))
	}
	log.Info().Str("http", serve.BaseURL(listeners.viewers)).Str("admin", cfg.admins.base(listeners.admins)).Msg("balancer is up")
	fewer()
	front, parts := listeners.viewerParts(life, b, access, b.Handler(), b.Relays)
	own := append([]run.Part{{Name: "lb", Run: b.Run}}, append(admins, written...)...)
	hooks := serve.Hooks{Drain: b.Process().Drain, Release: b.Process().Release, Alive: front.Turn, Reopen: access.Reopen}
	hooks.Reload = reloader(again, func() *lbConfig { return new(lbConfig) }, func(c *lbConfig) {
		obs.SetLevel(c.LogLevel)
		life.SetTimes(c.process)
		fit(&c.MaxConnections, &c.MaxPerClient, perViewer, log)()
		b.Process().Reload(c.Config)
	})
	return life.Run(ctx, hooks, append(own, parts...)...)
}
