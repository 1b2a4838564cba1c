package main

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What deploy/ says is what the commands take.

type composeService struct {
	Command     []string
	Environment map[string]string
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
		for _, found := range regexp.MustCompile(`(?m)^Environment=(\w+)=`).FindAllSubmatch(text, -1) {
			knowsVariable(t, unit, name, string(found[1]))
		}
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
