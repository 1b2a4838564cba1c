package lb

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

func TestBadSettingsAreRefusedInOneLine(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"--name":                   func(c *Config) { c.Name = "lb 1" },
		"--data":                   func(c *Config) { c.Data = "" },
		"--admission":              func(c *Config) { c.Admission = "most" },
		"--state-source":           func(c *Config) { c.StateSource = "pull" },
		"--join":                   func(c *Config) { c.Join = "127.0.0.1:1" },
		"--peers":                  func(c *Config) { c.Peers = []string{"lb-1=127.0.0.1:1"} },
		"itself":                   func(c *Config) { c.Peers = []string{"lb-2=127.0.0.1:1=http://127.0.0.1:2"} },
		"HOST:PORT":                func(c *Config) { c.Peers = []string{"lb-1=127.0.0.1=http://127.0.0.1:2"} },
		"nobody else":              func(c *Config) { c.Advertise = "http://0.0.0.0:8080" },
		"--raft-advertise: nobody": func(c *Config) { c.raft.Advertise = "[::]:7080" },
		"--tls-cert":               func(c *Config) { c.TLSCert = "x" },
		"--tls-listen":             func(c *Config) { c.TLSListen = "127.0.0.1:0" },
		"--advertise":              func(c *Config) { c.Advertise = "here" },
		"--secret-file":            func(c *Config) { c.SecretFile, c.Secret = "", wire.Secret{} },
	} {
		c := stageConfig(t)
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		}
	}
	c := stageConfig(t)
	c.Data = filepath.Join(t.TempDir(), "not", "there")
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, Deps{Logger: zerolog.Nop()}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatal(err)
	}
	for listen, want := range map[string]string{"127.0.0.1:80": "http://127.0.0.1:80", "0.0.0.0:80": "http://box:80", ":80": "http://box:80", "[::]:80": "http://box:80"} {
		if got := reachable(listen, "box", false); got != want {
			t.Errorf("%s is reached at %s, want %s", listen, got, want)
		}
	}
}
