package main

import (
	"os"

	"github.com/rs/zerolog"

	"tandem/internal/budget"
	"tandem/internal/obs"
	"tandem/internal/serve"
	"tandem/internal/setting"
)

// begin gives a role its log and its sockets. dir is where a process that
// replaces this one finds it; empty for a role that can't be replaced.
func begin(role, name, level, dir string, cfg serve.Config) (*serve.Life, zerolog.Logger, error) {
	log, err := obs.Logger(os.Stderr, name, level)
	if err != nil {
		return nil, log, setting.Wrong(err)
	}
	life, err := serve.Begin(cfg, role, dir, log)
	return life, log, err
}

// Descriptors of a connection: a balancer has one to an edge as well. So many stand aside,
// times that.
const (
	perViewer = 2
	perClient = 1
	standBy   = 48
)

// fit lowers max-connections to what this process may have descriptors for, and with it
// each, which is one client's. What it returns says so, when the process is up: who can't
// start has one line to say.
func fit(most, each *int, per int, log zerolog.Logger) (say func()) {
	allowed := budget.Descriptors()
	told := *most
	*most = budget.Fitting(told, per, standBy*per, allowed)
	*each = budget.FittingEach(*each, told, *most)
	fits, client := *most, *each
	return func() {
		if fits < told {
			log.Warn().Int("connections", fits).Int("per_client", client).Uint64("descriptors", allowed).Int("max_connections", told).Msg("fewer connections are taken than max-connections: this process may open too few files for them")
		}
	}
}
