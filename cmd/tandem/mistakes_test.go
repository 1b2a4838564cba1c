package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// Who has mistyped something hears in one line what, and what is wanted.
func TestMistakesAreNamedInOneLine(t *testing.T) {
	for args, want := range map[string]string{
		"status --wat": "status: there is no flag --wat; did you mean --watch? (tandem status --help)",
		"stauts":       `there is no command "stauts"; did you mean status? (tandem --help lists them)`,
		"-h stauts":    `there is no command "stauts"; did you mean status? (tandem --help lists them)`,
		"edge --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --origin http://a --data /dev/null": "--data: mkdir /dev/null: not a directory",
		"quorum":                              `there is no command "quorum" (tandem --help lists them)`,
		"status --token-file .":               "--token-file: .: is a directory",
		"status --cluster":                    "status: --cluster needs a value (tandem status --help)",
		"bench --viewers 0":                   `bench: --viewers "0": want a whole number from 1 to 100000 (tandem bench --help)`,
		"edge --copy-rate fast":               `edge: --copy-rate "fast": want `,
		"status now":                          `status: "now" is too much, it takes flags only (tandem status --help)`,
		"drain a b":                           "drain: name one edge: tandem drain edge-2 (tandem edges lists them)",
		"purge sample":                        `purge: "sample" is no URL: want one like http://HOST/film/x.m3u8, or its path`,
		"demo --admission best":               `--admission: "best" is none of failsafe, pair`,
		"ready --admin http://127.0.0.1:1":    "not ready: http://127.0.0.1:1: connection refused",
		"status --admin 127.0.0.1:1":          "no balancer at http://127.0.0.1:1: connection refused (see --admin)",
		"status --token-file /nowhere/token":  "--token-file: open /nowhere/token: no such file or directory",
		"status --ca /nowhere/roots.pem":      "--ca: open /nowhere/roots.pem: no such file or directory",
		"cluster move":                        "cluster: want init, ",
		"help -v":                             `there is no command "-v" (tandem --help lists them)`,
		"operator " + strings.Repeat("a", 65): "operator: want one NAME, of 1 to 64 bytes",
		"ready --admin 127.0.0.1:1":           "not ready: http://127.0.0.1:1: connection refused",
		"cluster init --identity /nowhere/id --address 10.0.0.1:8080":        `cluster init: --address: "10.0.0.1:8080" is no name or address of a host`,
		"cluster init --identity /nowhere/id --address 10.0.0.1 --node lb/1": `cluster init: --node: "lb/1" is no name of a node`,
		"ticket edge edge-9":                   "ticket: want ROLE (edge, balancer, origin, node), NAME, and --address",
		"origin --sample --listen 8090":        `--listen: "8090" is no address (missing port in address); want HOST:PORT`,
		"origin --sample --listen=":            "--listen: it is empty; want HOST:PORT",
		"origin --sample --listen http://a:80": `--listen: "http://a:80" is no address (too many colons in address); want HOST:PORT`,
		"origin --sample --admin-listen=":      "--admin-listen: it is empty",
		"kill --admin http://127.0.0.1:1 lb-1": "kill lb-1: no balancer at http://127.0.0.1:1: connection refused (see --admin)",
	} {
		var out, errs bytes.Buffer
		code := dispatch(context.Background(), strings.Fields(args), &out, &errs)
		if said := errs.String(); code == 0 || !strings.HasPrefix(said, "tandem: "+want) || strings.Count(said, "\n") != 1 {
			t.Errorf("tandem %s: exit %d, %q, want %q", args, code, said, want)
		}
	}
}

// Nobody is called nothing, as by a variable that is not set; help about help is help.
func TestNothingIsNobodysName(t *testing.T) {
	for _, command := range []string{"kill", "stop", "start", "drain", "resume", "remove", "accept", "unplace", "revoke", "operator", "sim"} {
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), []string{command, ""}, &out, &errs); code != 2 || !strings.HasPrefix(errs.String(), "tandem: "+command+": ") {
			t.Errorf("tandem %s with an empty name: exit %d, %q", command, code, errs.String())
		}
	}
	for _, args := range []string{"help help", "--help --help", "-h help", "help -h"} {
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), strings.Fields(args), &out, &errs); code != 0 || !strings.Contains(out.String(), "Start with: tandem demo") {
			t.Errorf("tandem %s: exit %d, %q", args, code, errs.String())
		}
	}
}

// What the standard output does not take is an error, whatever the command makes of it: a
// ticket, a backup or a list in a file on a full disk is not there. Who reads a pipe may go.
func TestWhatTheStandardOutputDoesNotTakeIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{"version", "--help", "config print edge", "status --help"} {
		var errs bytes.Buffer
		code := dispatch(context.Background(), strings.Fields(args), &stdout{file: full}, &errs)
		if said := errs.String(); code != 1 || !strings.HasSuffix(said, ": no space left on device\n") || strings.Count(said, "\n") != 1 {
			t.Errorf("tandem %s: exit %d, %q", args, code, said)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var errs bytes.Buffer
	if code := dispatch(context.Background(), []string{"--help"}, &stdout{file: w}, &errs); code != 0 {
		t.Errorf("exit %d, %q", code, errs.String())
	}
}

// narrow wants no line to be wider than a terminal.
func narrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if n := utf8.RuneCountInString(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// What a command says is as wide as a terminal, however long the names in it.
func TestWhatIsSaidIsAsWideAsATerminal(t *testing.T) {
	var out bytes.Buffer
	if err := say(&out, "no edge and no balancer is called %s (origins are in no list); tandem status has their names", "nobody"); err != nil {
		t.Fatal(err)
	}
	if narrow(t, out.String()); strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%q", out.String())
	}
}
