package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that can be, and with which the others won't find the balancer, is good with a
// warning that names field and mend.
func TestConfigCheckWarnsOfAnOldLineInPeers(t *testing.T) {
	dir := t.TempDir()
	secret, file := filepath.Join(dir, "secret"), filepath.Join(dir, "lb.yaml")
	if err := os.WriteFile(secret, []byte("a secret that is long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"lb", "node"} {
		for listen, warned := range map[string]bool{"0.0.0.0:7080": false, "0.0.0.0:7999": true} {
			text := "name: lb-2\nlisten: 0.0.0.0:8080\nraft-listen: " + listen + "\ndata: " + filepath.Join(dir, role) + "\nsecret-file: " + secret +
				"\npeers: [lb-1=10.0.0.1:7080=http://10.0.0.1:8080, lb-2=10.0.0.2:7080=http://10.0.0.2:8080]\n"
			if role == "node" {
				text += "origin: http://127.0.0.1:1\ncapacity: 10\nedge-listen: 127.0.0.1:8081\n"
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			code := dispatch(context.Background(), []string{"config", "check", role, file}, &out, &errs)
			warning := file + ": warning: raft-listen: 0.0.0.0:7999, and the others call lb-2 for Raft at 10.0.0.2:7080, by its line in peers: correct the line"
			if code != 0 || !strings.Contains(out.String(), "good for tandem "+role) || strings.Contains(out.String(), warning) != warned || strings.Contains(out.String(), "warning") != warned {
				t.Errorf("%s %s: exit %d\n%s%s", role, listen, code, out.String(), errs.String())
			}
		}
	}
}

// wrongSettings are settings by role, and what a check says of them behind the file's name;
// "": they are good.
func wrongSettings(dir, secret, broken string) map[string]map[string]string {
	return map[string]map[string]string{
		"lb": {
			"listen: 8080":                                  `listen: "8080" is no address`,
			"listen: ::1:8080":                              `listen: "::1:8080" is no address`,
			"listen: 127.0.0.1:80800":                       `listen: "127.0.0.1:80800" is no address`,
			"listen: '[::1]:8080'":                          "",
			"listen:":                                       "listen: it is empty",
			"admin-listen: 127.0.0.1:8080":                  "listen: 127.0.0.1:8080 is where --admin-listen listens",
			"admin-listen: ':8080'":                         "listen: 127.0.0.1:8080 is where --admin-listen listens",
			"raft-listen: 127.0.0.1:9080":                   "raft-listen: 127.0.0.1:9080 is where --admin-listen listens",
			"raft-listen: 127.0.0.2:8080":                   "",
			"admin-listen: 0.0.0.0:9080":                    "admin-listen: 0.0.0.0:9080: other machines can reach it",
			"operators-file: " + broken:                     "operators-file: " + broken + ": line 1: `7` where a list is wanted",
			"admin-cert: " + broken:                         "admin-cert: " + broken + ": failed to find any PEM data",
			"access-file: " + broken:                        "access-file: " + broken + `: line 1: unknown key "tokens"`,
			"access-log: " + dir:                            "access-log: " + dir + " is a directory",
			"access-log: /nowhere/log":                      "warning: access-log: ",
			"operators-file: /nowhere/op.yaml":              "warning: operators-file: ",
			"identity: /nowhere/identity":                   "warning: identity: ",
			"data: /nowhere/data":                           "warning: data: stat /nowhere: no such file or directory",
			"log-level: loud":                               "log-level: ",
			"raft-lease: 2s":                                "raft-lease: 2s is longer than",
			"name: lb;1":                                    "name: ",
			"peers: [lb-1=a:1=http://a, lb-2=a:1=http://b]": "peers: ",
		},
		"edge": {
			"origin: http://o\nlisten: edge": "listen: ", "origin: http://o\ndata: " + secret: "data: " + secret + " is no directory", "origin: http://o\nadmin-listen: 0.0.0.0:1": "admin-listen: ",
			"origin: http://o\nbalancers: http://b\nduplication: multicast\nmulticast-group: 239.1.2.3:5000\nmulticast-interface: nowhere0": "warning: multicast-interface: nowhere0: ",
		},
		"node": {"origin: http://o\nedge-listen: 127.0.0.1:8080": "listen: 127.0.0.1:8080 is where --edge-listen listens", "origin: http://o\nedge-admin-listen: :1": "edge-admin-listen: "},
		"origin": {
			"sample: true\nlisten: http://a": "listen: ", "sample: true\nadmin-listen: :1": "admin-listen: ",
			"sample: true\nsecret-file: " + broken: "secret-file: " + broken + ": it can be guessed", "sample: true\nsecret-file: /nowhere/secret": "warning: secret-file: ",
			"media: /nowhere": "warning: media: ", "media: " + broken: "media: open " + broken + ": not a directory",
			"sample: true\nloop: live=/nothing/": "loop live=/nothing/: there is no stream", "sample: true\nmulticast-interface: nowhere0": "multicast-interface: nowhere0: ",
			"ingest: true\nmedia: " + dir + "\npublishing-points: " + broken: "publishing-points: " + broken + ": line 1: ",
		},
	}
}

// What a role refuses at its start is refused before, also where each setting by itself can
// be: addresses, files. A file that is not there may still come, and is told.
func TestConfigCheckFindsWhatTheStartWould(t *testing.T) {
	dir := t.TempDir()
	secret, broken := filepath.Join(dir, "secret"), filepath.Join(dir, "broken")
	for name, text := range map[string]string{secret: "a secret that is long enough", broken: "tokens: 7\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	own := "secret-file: " + secret + "\ndata: " + filepath.Join(dir, "data") + "\n"
	for role, rows := range wrongSettings(dir, secret, broken) {
		for text, want := range rows {
			file := filepath.Join(dir, role+".yaml")
			if role != "origin" && !strings.Contains(text, "data:") {
				text = own + text
			} else if role != "origin" {
				text = "secret-file: " + secret + "\n" + text
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			code := dispatch(context.Background(), []string{"config", "check", role, file}, &out, &errs)
			refused := want != "" && !strings.HasPrefix(want, "warning")
			if said := out.String() + errs.String(); (code != 0) != refused || !strings.Contains(said, file+": "+want) || strings.Contains(said, "warning") != strings.HasPrefix(want, "warning") {
				t.Errorf("%s, %q: exit %d, %q, want %q", role, text, code, said, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a check has made a directory")
	}
}
