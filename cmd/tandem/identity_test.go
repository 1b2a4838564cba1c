package main

import (
	"strings"
	"testing"
)

// A ticket need not stand on a command line, which others on the machine see.
func TestATicketComesByTheStandardInput(t *testing.T) {
	for _, row := range []struct{ arg, in, want string }{
		{"one", "two", "one"}, {"-", "two\n", "two"}, {"-", "  two \r\nmore\n", "two"}, {"-", "", ""}, {"-", " \n", ""},
	} {
		got, err := ticketText(row.arg, strings.NewReader(row.in))
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%q, %q: %q, %v", row.arg, row.in, got, err)
		}
	}
}
