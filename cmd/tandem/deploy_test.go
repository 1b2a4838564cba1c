package main

import (
	"bytes"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// What deploy/ says is what the commands take.

type composeService struct {
	Command     []string
	Environment map[string]string
	Stop        string `yaml:"stop_grace_period"`
}

func TestComposeStartsWhatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../deploy/compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Services map[string]composeService }
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Services) != 8 {
		t.Fatal(len(file.Services), err)
	}
	for name, s := range file.Services {
		stopsInTime(t, name, s.Command[0], [][]byte{nil, []byte(s.Stop)})
		set := commandNamed(t, s.Command[0]).settings()
		var told bytes.Buffer
		if rest, err := set.Parse(s.Command[1:], &told); err != nil || len(rest) > 0 {
			t.Errorf("%s: %v, %q is left; %s", name, err, rest, told.String())
		}
		for variable := range s.Environment {
			if variable != "TANDEM_ADMIN" { // every command's: here for the image's health check
				knowsVariable(t, name, set.Command, variable)
			}
		}
		for _, arg := range s.Command {
			for address := range strings.SplitSeq(arg, ",") {
				if u, err := url.Parse(address); err == nil && u.Host != "" && file.Services[u.Hostname()].Command == nil {
					t.Errorf("%s: nobody is called %s", name, u.Hostname())
				}
			}
		}
	}
}

func TestUnitsStartWhatThereIs(t *testing.T) {
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(units) != 3 {
		t.Fatal(units, err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		starts := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/tandem (\w+) --config `).FindSubmatch(text)
		if starts == nil {
			t.Fatalf("%s starts nothing", unit)
		}
		name := string(starts[1])
		commandNamed(t, name)
		reloads := regexp.MustCompile(`(?m)^ExecReload=(.*)$`).FindAllSubmatch(text, -1)
		if check := "/usr/local/bin/tandem config check " + name + " /etc/tandem/" + name + ".yaml"; len(reloads) != 2 || string(reloads[0][1]) != check {
			t.Errorf("%s: a reload by a file that can't be used has to fail: %q", unit, reloads)
		}
		// A credential is a copy of the start: who changes the operators' file would change
		// nothing, and systemd shows it to no reload.
		if bytes.Contains(text, []byte("LoadCredential")) || !bytes.Contains(text, []byte("\nSupplementaryGroups=tandem\n")) {
			t.Errorf("%s: secret and operators are files of root's that the group may read", unit)
		}
		stopsInTime(t, unit, name, regexp.MustCompile(`(?m)^TimeoutStopSec=(.*)$`).FindSubmatch(text))
		for _, found := range regexp.MustCompile(`(?m)^Environment=(\w+)=`).FindAllSubmatch(text, -1) {
			knowsVariable(t, unit, name, string(found[1]))
		}
	}
}

// stopsInTime wants what stops a role to wait for as long as that may take.
func stopsInTime(t *testing.T, who, role string, found [][]byte) {
	t.Helper()
	if found == nil {
		t.Errorf("%s: nothing says how long a stop may take", who)
		return
	}
	limit, err := time.ParseDuration(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	set := commandNamed(t, role).settings()
	if _, err := set.Parse([]string{"--config", "../../deploy/config/" + role + ".yaml"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	var takes time.Duration
	for _, name := range []string{"lame-duck", "drain-time"} {
		d, err := time.ParseDuration(set.Texts()[name])
		if err != nil {
			t.Fatal(err)
		}
		takes += d
	}
	if takes += 10 * time.Second; takes > limit { // for an edge to hand over what it has
		t.Errorf("%s: a stop takes up to %s, and is cut after %s", who, takes, limit)
	}
}

func commandNamed(t *testing.T, name string) command {
	t.Helper()
	all := commands()
	at := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if at < 0 {
		t.Fatalf("there is no tandem %s", name)
	}
	return all[at]
}

func knowsVariable(t *testing.T, who, name, variable string) {
	t.Helper()
	set := commandNamed(t, name).settings()
	for _, row := range set.Rows {
		own := set.EnvName(row.Name)
		_, end, _ := strings.Cut(own, strings.ToUpper(name))
		if own == variable || slices.Contains(shared, strings.TrimPrefix(end, "_")) && "TANDEM"+end == variable {
			return
		}
	}
	t.Errorf("%s: tandem %s knows no %s", who, name, variable)
}

// The address goes after the connections to it have been reset, and comes without that:
// what ss and curl are told is written down by stand-ins for them. Who hangs is asked again
// at once, and who is gone almost so; who says no, or resets one connection
// too many, is at the usual pace.
func TestHealthResetsBeforeTheAddressGoes(t *testing.T) {
	const reset = "ss -K -H -tn src 10.91.0.100 while "
	for code, between := range map[string]string{
		"7": "curl sleep 0.05 curl", "52": "curl sleep 0.05 curl", "56": "curl sleep 0.2 curl", "28": "curl curl", "22": "curl sleep 0.2 curl",
	} {
		// At its start, when tandem was gone for the second time, and at its own end.
		want := reset + "1 curl sleep 0.2 curl sleep 0.2 " + between + " " + reset + "0 sleep 0.2 curl " + reset + "1"
		if got, _ := healthAsks(t, code); got != want {
			t.Errorf("curl ends with %s: %s\nwant %s", code, got, want)
		}
	}
}

// Who hangs is found out sooner where the host has processors to spare; where tasks wait for
// them tandem may only be late, and so may it where nobody knows.
func TestHealthWaitsLongerWhereProcessorsAreScarce(t *testing.T) {
	for text, want := range map[string]string{
		"some avg10=0.00 avg60=99.00 avg300=99.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n": "0.3",
		"some avg10=49.99 avg60=0.00 avg300=0.00 total=1\n":                                                  "0.3",
		"some avg10=50.00 avg60=0.00 avg300=0.00 total=1\n":                                                  "0.5",
		"": "0.5",
	} {
		pressure := filepath.Join(t.TempDir(), "cpu")
		if text != "" {
			if err := os.WriteFile(pressure, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PRESSURE", pressure)
		if _, got := healthAsks(t, "28"); got != want {
			t.Errorf("%.20q: it waits for %s s", text, got)
		}
	}
	t.Setenv("LIMIT", "0.2")
	if _, got := healthAsks(t, "28"); got != "0.2" {
		t.Errorf("told 0.2 s, it waits for %s s", got)
	}
}

// healthAsks runs the script: two good answers, then curl ends with that code; the fifth
// request ends the script. limit is for how many seconds that one was to wait.
func healthAsks(t *testing.T, code string) (did, limit string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"curl":  `echo curl >> "$LOG"; echo "$3" > "$LOG.limit"; n=$(grep -c curl "$LOG"); [ $n -lt 5 ] || kill $PPID; [ $n -le 2 ] || exit ` + code,
		"ss":    `echo "ss $* while $(cat "$FILE")" >> "$LOG"`,
		"sleep": `echo "sleep $1" >> "$LOG"`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	if err := os.WriteFile(state, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "../../deploy/health/tandem-health")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "LOG="+log, "FILE="+state, "ADDRESS=10.91.0.100")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(state); err != nil || string(now) != "1\n" {
		t.Errorf("%q, %v", now, err)
	}
	waits, err := os.ReadFile(log + ".limit")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " "), strings.TrimSpace(string(waits))
}
