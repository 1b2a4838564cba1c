package main

import (
	"strings"
	"testing"
	"time"
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

// Who joins with a clock that is an hour off hears so, though the certificate is good by it.
func TestAnOddClockIsToldToWhoJoins(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for ahead, want := range map[time.Duration]string{
		0: "", 9 * time.Second: "", -9 * time.Second: "",
		time.Hour:        "warning: the clock here is 1h0m0s ahead of the balancer's: set the one that is wrong",
		-4 * time.Minute: "warning: the clock here is 4m0s behind the balancer's: set",
	} {
		if got := otherClock(now.Add(-ahead).UnixMilli(), now); !strings.HasPrefix(got, want) || (want == "") != (got == "") || strings.Count(got, "\n") > 1 {
			t.Errorf("%s ahead: %q", ahead, got)
		}
	}
	if got := otherClock(0, now); got != "" {
		t.Errorf("an older build's silence is taken for a time: %s", got)
	}
}
