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
