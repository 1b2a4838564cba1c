package main

import (
	"os"

	"github.com/rs/zerolog"

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
