package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/identity"
	"tandem/internal/setting"
)

// role is what a configuration can be for.
type role struct {
	name     string
	rows     func() []setting.Row
	as       identity.Role // what its certificate says
	validate func() error
	look     func() error    // after validate: what the start says of what the settings name; nil: inspect knows it all
	doubts   func() []string // after validate: what is allowed, and likely a mistake; nil: nothing is
}

func roles() []role {
	var o originConfig
	var e edgeConfig
	var b lbConfig
	var n nodeConfig
	return []role{
		{"origin", o.Settings, identity.Origin, o.Validate, o.look, nil},
		{"edge", e.Settings, identity.Edge, e.Validate, nil, nil},
		{"lb", b.Settings, identity.Balancer, b.Validate, nil, b.Contradictions},
		{"node", n.Settings, identity.Balancer, n.Validate, nil, n.lb.Contradictions},
	}
}

func configCommand() command {
	return command{
		name: "config", args: "check ROLE FILE | print ROLE | docs DIR",
		summary: "check a configuration file, or print one with every setting's default",
		about: "check reads the file as the role would, the environment included, and says what is wrong in one\n" +
			"line. print writes every setting of origin, edge, lb or node with its meaning. docs writes\n" +
			"config.md and metrics.md.",
		example: "tandem config print edge > edge.yml\ntandem config check edge edge.yml",
		run: func(_ context.Context, args []string, out io.Writer) error {
			switch {
			case len(args) == 3 && args[0] == "check":
				return checkConfig(args[1], args[2], out)
			case len(args) == 2 && args[0] == "print":
				return printConfig(args[1], out)
			case len(args) == 2 && args[0] == "docs":
				return writeDocs(args[1])
			}
			return setting.Usage("config: want check ROLE FILE, print ROLE, or docs DIR")
		},
	}
}

func roleOf(name string) (role, error) {
	var names []string
	for _, r := range roles() {
		if r.name == name {
			return r, nil
		}
		names = append(names, r.name)
	}
	return role{}, setting.Usage("config: there is no role %q; the roles are %s", name, strings.Join(names, ", "))
}

func checkConfig(name, path string, out io.Writer) error {
	r, err := roleOf(name)
	if err != nil {
		return err
	}
	set := &setting.Set{Command: r.name, Rows: r.rows(), Getenv: environment}
	strict(set)
	if _, err := set.Parse([]string{"--config", path}, io.Discard); err != nil {
		return err
	}
	texts := set.Texts() // before validate, which may part what a node's roles share
	doubts, err := []string(nil), r.validate()
	if err == nil {
		doubts, err = inspect(r.as, texts)
	}
	if err == nil && r.look != nil {
		if err = r.look(); errors.Is(err, fs.ErrNotExist) {
			doubts, err = append(doubts, err.Error()), nil
		}
	}
	if err != nil {
		// Settings are named as flags; in a file they stand without the dashes.
		return fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "--"))
	}
	if r.doubts != nil {
		doubts = append(doubts, r.doubts()...)
	}
	for _, line := range doubts {
		fmt.Fprintf(out, "%s: warning: %s\n", path, strings.TrimPrefix(line, "--"))
	}
	fmt.Fprintf(out, "%s: good for tandem %s\n", path, name)
	return nil
}

func printConfig(name string, out io.Writer) error {
	r, err := roleOf(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, (&setting.Set{Command: r.name, Rows: r.rows()}).YAML())
	return err
}

// writeDocs writes the generated pages.
func writeDocs(dir string) error {
	for name, page := range pages() {
		text, err := page()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
