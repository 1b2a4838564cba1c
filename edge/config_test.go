package edge

import (
	"io"
	"strings"
	"testing"

	"tandem/internal/identity"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

// TestACapacityIsStated: in sessions, in Mbit/s or in both, and never by default.
func TestACapacityIsStated(t *testing.T) {
	secret, err := wire.NewSecret("a secret that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                 string
		sessions, mbit, kbit int
		alone                bool
		want                 int
		says                 string
	}{
		{name: "sessions", sessions: 100, want: 100},
		{name: "media", mbit: 1000, kbit: 5000, want: 200},
		{name: "both, media is less", sessions: 300, mbit: 1000, kbit: 5000, want: 200},
		{name: "both, sessions are fewer", sessions: 100, mbit: 1000, kbit: 5000, want: 100},
		{name: "none", want: assumedCapacity},
		{name: "none, alone", alone: true},
		{name: "media of what", mbit: 1000, says: "--session-kbit: "},
		{name: "not one session", mbit: 1, kbit: 5000, says: "--capacity-mbit: "},
	} {
		cfg := Config{
			Name: "edge-1", Data: t.TempDir(), Origin: "http://127.0.0.1:1", Duplication: "relay", Secret: secret,
			Capacity: c.sessions, CapacityMbit: c.mbit, SessionKbit: c.kbit,
		}
		if !c.alone {
			cfg.Balancers = []string{"http://127.0.0.1:2"}
		}
		err := cfg.Validate()
		switch {
		case c.says == "" && (err != nil || cfg.Capacity != c.want || cfg.assumed != (c.name == "none")):
			t.Errorf("%s: %d, %v; want %d", c.name, cfg.Capacity, err, c.want)
		case c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), c.says) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v; want %s...", c.name, err, c.says)
		}
	}
}

// An edge that is told that it can deliver to nobody is not started as if nothing had
// been said.
func TestACapacityOfNothingIsRefused(t *testing.T) {
	for _, name := range []string{"capacity", "capacity-mbit", "session-kbit"} {
		for _, text := range []string{"0", "-1"} {
			var c Config
			set := &setting.Set{Command: "edge", Rows: c.Settings(), Getenv: func(string) string { return "" }}
			want := "edge: --" + name + ` "` + text + `": want a whole number from 1 to 1000000 (tandem edge --help)`
			if _, err := set.Parse([]string{"--" + name, text}, io.Discard); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
}

// TestNamesThatTheClusterRefusesAreRefusedAtTheStart: one line that names the field, and no
// process that asks to be let in for ever.
func TestNamesThatTheClusterRefusesAreRefusedAtTheStart(t *testing.T) {
	secret, err := wire.NewSecret("a secret that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, zone, after string
		says              string
	}{
		{name: "edge-1", zone: "rack.7_b", after: "edge-2"},
		{name: "\u00e9dge", says: "--name: "},
		{name: strings.Repeat("e", identity.MaxNode+1), says: "--name: "},
		{name: "edge-1", zone: "rack 7", says: "--zone: "},
		{name: "edge-1", after: "edge/2", says: "--after: "},
	} {
		cfg := Config{
			Name: c.name, Zone: c.zone, After: c.after, Data: t.TempDir(), Origin: "http://127.0.0.1:1", Duplication: "relay", Secret: secret,
			Capacity: 8, Balancers: []string{"http://127.0.0.1:2"},
		}
		err := cfg.Validate()
		if ok := c.says == ""; ok != (err == nil) || !ok && (!strings.HasPrefix(err.Error(), c.says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestWhatNeedsACertificateSaysSo: an origin is told to whom to send only where both
// sides can prove who they are.
func TestWhatNeedsACertificateSaysSo(t *testing.T) {
	for says, c := range map[string]Config{
		"--node-listen: ":                {NodeListen: "127.0.0.1:0"},
		"--advertise: nobody else":       {Advertise: "http://0.0.0.0:8081"},
		"--advertise: \"edge-1\" is":     {Advertise: "edge-1"},
		"--advertise-admin: nobody else": {AdvertiseAdmin: "http://[::]:9081"},
		"--public-url: nobody else":      {PublicURL: "http://0.0.0.0:8081"},
		"--origin: an origin that is":    {Origin: "https://127.0.0.1:1", OriginNode: true},
		"--origin: upstream ":            {OriginNode: true, Identity: "dir"},
		"--duplication: with --identity": {Identity: "dir", Duplication: "origin"},
	} {
		c.Name, c.Data = "edge-1", t.TempDir()
		if c.Origin == "" {
			c.Origin = "http://127.0.0.1:1"
		}
		if c.Duplication == "" {
			c.Duplication = "relay"
		}
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v; want %s...", err, says)
		}
	}
	good := Config{Name: "edge-1", Data: t.TempDir(), Origin: "https://127.0.0.1:1", OriginNode: true, Identity: "dir", Duplication: "origin"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

// An edge at an address of its own tells nobody an admin listener that only its machine
// reaches (the default): the balancers refused it, for its certificate does not name that.
func TestAnEdgeTellsNoAdminListenerOfItsMachineAlone(t *testing.T) {
	for _, c := range []struct{ advertise, advertiseAdmin, at, told string }{
		{"http://10.0.0.5:8081/", "", "http://10.0.0.5:8081", ""},
		{"", "", "http://127.0.0.1:8081", "https://127.0.0.1:9081"},
		{"http://10.0.0.5:8081", "https://10.0.0.5:9081/", "http://10.0.0.5:8081", "https://10.0.0.5:9081"},
		{"http://10.0.0.5:8081", "https://127.0.0.1:1", "http://10.0.0.5:8081", "https://127.0.0.1:1"}, // the operator has the last word
	} {
		cfg := Config{Advertise: c.advertise, AdvertiseAdmin: c.advertiseAdmin}
		if at, told := cfg.told("http://127.0.0.1:8081", "https://127.0.0.1:9081"); at != c.at || told != c.told {
			t.Errorf("%+v: told %q and %q", c, at, told)
		}
	}
}
