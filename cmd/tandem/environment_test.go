package main

import "testing"

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
