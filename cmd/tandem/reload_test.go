package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tandem/internal/setting"
)

// A reload takes over what may change, names what needs a restart, and takes over
// nothing from a file with one mistake in it.
func TestAReloadIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "lb.yml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret, "a secret that is long enough")
	base := "data: " + dir + "\nsecret-file: " + secret + "\n"
	write(file, base+"log-level: info\n")
	args := []string{"--config", file, "--max-connections", "100"}
	running := new(lbConfig)
	set := &setting.Set{Command: "lb", Rows: running.Settings(), Getenv: environment}
	if _, err := set.Parse(flagsFirst(set.Rows, args), nil); err != nil {
		t.Fatal(err)
	}
	again := &reread{command: "lb", args: args, texts: set.Texts()}
	var got *lbConfig
	reload := reloader(again, func() *lbConfig { return new(lbConfig) }, func(c *lbConfig) { got = c })
	for _, row := range []struct {
		what, file    string
		applied, left []string
		fails         bool
	}{
		{"nothing", "log-level: info\n", nil, nil, false},
		{"two that can and one that can't", "log-level: warn\ndrain-time: 5s\nlisten: 127.0.0.1:9\n", []string{"drain-time", "log-level"}, []string{"listen"}, false},
		{"again: what needs a restart still does", "log-level: warn\ndrain-time: 5s\nlisten: 127.0.0.1:9\n", nil, []string{"listen"}, false},
		{"a flag wins over the file", "log-level: warn\ndrain-time: 5s\nmax-connections: 7\n", nil, nil, false},
		{"a mistake", "log-level: debug\ndrain-time: 5\n", nil, nil, true},
		{"an unknown key", "log-level: debug\ndrain-tme: 5s\n", nil, nil, true},
		{"a key twice", "log-level: debug\ndrain-time: 5s\nlog_level: info\n", nil, nil, true},
		{"a list for one value", "log-level: [debug, info]\n", nil, nil, true},
		{"no level", "log-level: loud\n", nil, nil, true},
		{"what Validate refuses", "log-level: debug\nadmission: maybe\n", nil, nil, true},
		{"a listener that can't be", "log-level: debug\nlisten: 127.0.0.1:99999\n", nil, nil, true},
		{"two listeners at one port", "log-level: debug\nlisten: 127.0.0.1:9\nraft-listen: 127.0.0.1:9\n", nil, nil, true},
		{"rules that are not there", "log-level: debug\naccess-file: /nowhere/access.yaml\n", nil, nil, true},
		{"after all that", "log-level: error\ndrain-time: 5s\n", []string{"log-level"}, nil, false},
	} {
		got = nil
		write(file, base+row.file)
		did, err := reload()
		slices.Sort(did.Applied)
		if (err != nil) != row.fails || (got == nil) != row.fails || !slices.Equal(did.Applied, nonNil(row.applied)) && !row.fails || !slices.Equal(did.NeedsRestart, nonNil(row.left)) && !row.fails {
			t.Errorf("%s: %+v, %v", row.what, did, err)
		}
	}
	if got.LogLevel != "error" || got.MaxConnections != 100 {
		t.Errorf("%s, %d", got.LogLevel, got.MaxConnections)
	}
}
