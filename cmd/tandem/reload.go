package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tandem/internal/obs"
	"tandem/internal/serve"
	"tandem/internal/setting"
)

// reread reads the settings of a role that runs anew: its flags and environment
// are what they were, its file may be another.
type reread struct {
	command string
	args    []string
	texts   map[string]string // what the process runs by, by setting
}

// into fills a configuration with what stands there now, and says which settings
// have changed: those that can change while the role runs, and the others. With an
// error nothing is to be used.
func (r *reread) into(fresh configuration) (can, cannot []string, err error) {
	set := &setting.Set{Command: r.command, Rows: fresh.Settings(), Getenv: environment}
	if _, err := set.Parse(flagsFirst(set.Rows, r.args), io.Discard); err != nil {
		return nil, nil, err
	}
	texts := set.Texts()
	if err := fresh.Validate(); err != nil {
		return nil, nil, err
	}
	if err := obs.CheckLevel(texts["log-level"]); err != nil {
		return nil, nil, err
	}
	for _, row := range set.Rows {
		switch {
		case texts[row.Name] == r.texts[row.Name]:
		case row.Reload:
			can = append(can, row.Name)
		default:
			cannot = append(cannot, row.Name)
		}
	}
	if err := startable(r.command, texts, cannot); err != nil {
		return nil, nil, err
	}
	for _, name := range can {
		r.texts[name] = texts[name]
	}
	return can, cannot, nil
}

// startable tells why a process could not be started again by these settings: one that goes
// on by the old ones would be found dead at the restart that it asks for. changed are the
// settings that count from then on; what others name may be away meanwhile.
func startable(command string, texts map[string]string, changed []string) error {
	if len(changed) == 0 {
		return nil
	}
	role, err := roleOf(command)
	if err != nil {
		return err
	}
	told, err := inspect(role.as, texts)
	for _, line := range told {
		if name, _, _ := strings.Cut(strings.TrimPrefix(line, "--"), ":"); slices.Contains(changed, name) {
			return errors.New(line)
		}
	}
	return err
}

// reloader is the hook of a role: apply puts to use what may change, and can't
// fail.
func reloader[C configuration](r *reread, fresh func() C, apply func(C)) func() (serve.Reloaded, error) {
	return func() (serve.Reloaded, error) {
		c := fresh()
		can, cannot, err := r.into(c)
		if err != nil {
			return serve.Reloaded{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "--"))
		}
		apply(c)
		return serve.Reloaded{Applied: nonNil(can), NeedsRestart: nonNil(cannot)}, nil
	}
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
