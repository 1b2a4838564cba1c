//go:build linux

package guide

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// step is one block of commands of the guide, and the hosts that it is for.
type step struct {
	section string // the nearest heading of level two
	line    int
	hosts   []string
	script  string
}

// read finds the steps: fenced blocks whose info string is "sh on=HOST,HOST".
func read(t *testing.T, path string) (steps []step) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	var section string
	var at *step
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case at != nil && line == "```":
			steps, at = append(steps, *at), nil
		case at != nil:
			at.script += line + "\n"
		case strings.HasPrefix(line, "## "):
			section = strings.TrimPrefix(line, "## ")
		case strings.HasPrefix(line, "```sh on="):
			at = &step{section: section, line: i + 2, hosts: strings.Split(strings.TrimPrefix(line, "```sh on="), ",")}
		case strings.HasPrefix(line, "```sh"):
			t.Fatalf("%s:%d: commands that are for no host are not tried: ```sh on=HOST", path, i+1)
		}
	}
	if at != nil || len(steps) == 0 {
		t.Fatalf("%s: a block without an end, or no block at all", path)
	}
	return steps
}

func (s step) String() string { return fmt.Sprintf("docs/deploy.md:%d", s.line) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
