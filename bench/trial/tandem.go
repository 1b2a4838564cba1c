package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"tandem/bench/lab"
	"tandem/internal/wire"
)

// tandem is ours: three balancers, a ring of two edges, one origin.
type tandem struct {
	binary  string
	steered bool      // players fetch from the edges themselves (docs/steering.md)
	main    *exec.Cmd // of the first balancer
}

// front is what docs/deploy.md says of a new version.
func (t *tandem) front(_ *lab.Lab, fault string) error {
	if fault == frontRestarted {
		return t.main.Process.Signal(syscall.SIGUSR2)
	}
	return syscall.Kill(-t.main.Process.Pid, ofProcess(fault))
}

var balancers = []string{"lb", "lb-2", "lb-3"}

func (t *tandem) health() string { return "/_tandem/health" }

func (t *tandem) name() string {
	if t.steered {
		return "tandem, steered"
	}
	return "tandem"
}

// victim: the first edge of the ring delivers every session until its limit is
// reached (S124), so it is the one whose death hurts most.
func (t *tandem) victim(l *lab.Lab) (*lab.Host, string) { return l.Hosts["cache-1"], "edge-1" }

func (t *tandem) setUp(ctx context.Context, l *lab.Lab, m *media) (string, error) {
	bin, err := filepath.Abs(t.binary)
	if err != nil {
		return "", err
	}
	secret := filepath.Join(l.Dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret for one trial and no longer"), 0o600); err != nil {
		return "", err
	}
	at := func(name string) string { return l.Hosts[name].IP }
	lb := "http://" + at("lb") + ":8080"
	type start struct {
		host string
		args []string
	}
	commands := []start{
		{"origin", []string{"origin", "--listen", at("origin") + ":8000", "--admin-listen", at("origin") + ":9000", "--admin-open", "--media", m.root, "--secret-file", secret}},
	}
	var peers, urls []string
	for _, name := range balancers {
		peers, urls = append(peers, name+"="+at(name)+":7000=http://"+at(name)+":8080"), append(urls, "http://"+at(name)+":8080")
	}
	for _, name := range balancers {
		commands = append(commands, start{name, []string{
			"lb", "--name", name, "--listen", "0.0.0.0:8080", "--admin-listen", at(name) + ":9000", "--admin-open", "--raft-listen", at(name) + ":7000",
			"--data", filepath.Join(l.Dir, name), "--peers", strings.Join(peers, ","), "--secret-file", secret,
		}})
	}
	for i, name := range []string{"cache-1", "cache-2"} {
		commands = append(commands, start{name, []string{
			"edge", "--name", fmt.Sprintf("edge-%d", i+1), "--listen", at(name) + ":8000", "--admin-listen", at(name) + ":9000", "--admin-open", "--capacity", "200",
			"--data", filepath.Join(l.Dir, name), "--origin", "http://" + at("origin") + ":8000", "--balancers", strings.Join(urls, ","), "--secret-file", secret,
		}})
	}
	entry := lb + entryPath
	if t.steered {
		entry = lb + mainPath
		for i, c := range commands {
			switch c.args[0] {
			case "lb":
				commands[i].args = append(c.args, "--steering", "/")
			case "edge":
				commands[i].args = append(c.args, "--public-url", "http://"+at(c.host)+":8000")
			}
		}
	}
	for _, c := range commands {
		cmd, err := l.Hosts[c.host].Start("tandem", append([]string{bin}, c.args...)...)
		if err != nil {
			return "", err
		}
		if c.host == balancers[0] {
			t.main = cmd
		}
	}
	return entry, l.Hosts["viewers"].Await(ctx, entry)
}

// originAsked sums the origin's own counts over the segments.
func (t *tandem) originAsked(ctx context.Context, l *lab.Lab) (int, error) {
	secret, err := os.ReadFile(filepath.Join(l.Dir, "secret"))
	if err != nil {
		return 0, err
	}
	bearer, err := bearerOf(string(secret))
	if err != nil {
		return 0, err
	}
	url := "http://" + l.Hosts["origin"].IP + ":8000/_tandem/counts"
	out, err := l.Hosts["viewers"].Command(ctx, "curl", "-sS", "-m", "5", "-H", bearer, url).Output()
	if err != nil {
		return 0, err
	}
	var counts map[string]int
	if err := json.Unmarshal(out, &counts); err != nil {
		return 0, fmt.Errorf("%s: %w", url, err)
	}
	n := 0
	for path, count := range counts {
		if strings.HasSuffix(path, ".ts") {
			n += count
		}
	}
	return n, nil
}

// bearerOf is the header line by which a node of the cluster shows itself.
func bearerOf(text string) (string, error) {
	secret, err := wire.NewSecret(text)
	if err != nil {
		return "", err
	}
	return wire.HeaderAuth + ": " + secret.Bearer(), nil
}
