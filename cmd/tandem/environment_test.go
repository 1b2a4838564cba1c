package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// What all commands are given at once is theirs where its name is the whole of the
// setting's: the address that an image's health check asks is none that a node tells
// others as its own.
func TestSharedVariablesAreOfTheSettingsOfTheirName(t *testing.T) {
	t.Setenv("TANDEM_ADMIN", "http://127.0.0.1:9080")
	t.Setenv("TANDEM_CA", "roots.pem")
	t.Setenv("TANDEM_EDGE_LOG_LEVEL", "debug")
	t.Setenv("TANDEM_LOG_LEVEL", "warn")
	for name, want := range map[string]string{
		"TANDEM_STATUS_ADMIN": "http://127.0.0.1:9080", "TANDEM_LB_ADVERTISE_ADMIN": "", "TANDEM_STATUS_CA": "roots.pem",
		"TANDEM_EDGE_LOG_LEVEL": "debug", "TANDEM_LB_LOG_LEVEL": "warn", "TANDEM_LB_NAME": "",
	} {
		if got := environment(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// A variable that is meant for a role and sets nothing is named, in one line, and so is one
// without the role in its name: by TANDEM_LB_JION a balancer began a cluster of its own.
// What Kubernetes gives a container for a Service called tandem-lb is meant for nobody.
func TestAVariableThatSetsNothingIsNamed(t *testing.T) {
	for name, want := range map[string]string{
		"TANDEM_LB_JION":                      "TANDEM_LB_JION: there is no setting jion; did you mean join? (tandem lb --help)",
		"TANDEM_LB_SECRETS_FILE":              "TANDEM_LB_SECRETS_FILE: there is no setting secrets-file; did you mean secret-file? (tandem lb --help)",
		"TANDEM_JOIN":                         "TANDEM_JOIN sets nothing; TANDEM_LB_JOIN is meant",
		"TANDEM_LB_JOIN":                      "--data: a directory for the placement is required",
		"TANDEM_EDGE_JION":                    "--data: ",
		"TANDEM_LOG_LEVEL":                    "--data: ",
		"TANDEM_LB_RECOVER":                   "--data: ",
		"TANDEM_LB_PORT":                      "--data: ",
		"TANDEM_LB_PORT_80_TCP_ADDR":          "--data: ",
		"TANDEM_LB_SERVICE_HOST":              "--data: ",
		"TANDEM_LB_SERVICE_PORT_VIEWERS":      "--data: ",
		"TANDEM_LB_ADMIN_PORT_9080_TCP_PROTO": "--data: ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "http://lb-1")
			var out, errs bytes.Buffer
			code := dispatch(context.Background(), []string{"lb"}, &out, &errs)
			if said := errs.String(); code != 2 || !strings.HasPrefix(said, "tandem: "+want) || strings.Count(said, "\n") != 1 {
				t.Errorf("exit %d, %q, want %q", code, said, want)
			}
		})
	}
}
