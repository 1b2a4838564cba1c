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

// A balancer whose admin listener is for its own machine tells the others none: to them it
// would be their own, and its certificate does not name it.
func TestALoopbackAdminListenerIsNotToldToTheOthers(t *testing.T) {
	c := Config{Name: "lb-1", Advertise: "http://10.0.0.2", AdminListen: "127.0.0.1:9080"}
	if b := c.self(""); b.Admin != "" {
		t.Errorf("told %s", b.Admin)
	}
	c.AdvertiseAdmin = "https://127.0.0.1:9443" // the operator has the last word
	if b := c.self(""); b.Admin != c.AdvertiseAdmin {
		t.Errorf("told %q", b.Admin)
	}
	c = Config{Name: "lb-1", Advertise: "http://10.0.0.2", AdminListen: ":9080"}
	if b := c.self(""); b.Admin != "http://10.0.0.2:9080" {
		t.Errorf("told %q", b.Admin)
	}
	c = Config{Name: "lb-1", Listen: "127.0.0.1:8080", AdminListen: "127.0.0.1:9080"}
	if b := c.self(""); b.Admin != "http://127.0.0.1:9080" {
		t.Errorf("told %q", b.Admin)
	}
}
