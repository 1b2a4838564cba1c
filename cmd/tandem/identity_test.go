package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"tandem/internal/identity"
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

// A ticket that is used in another node's directory, by a slip, takes nothing from that one.
func TestAJoinTakesNoOthersPlace(t *testing.T) {
	dir := t.TempDir()
	a, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.Enrol(dir, a, identity.Grant{Role: identity.Balancer, Node: "lb-3", Addresses: []string{"127.0.0.1"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		role  identity.Role
		node  string
		meant bool
	}{{identity.Edge, "edge-9", false}, {identity.Edge, "lb-3", false}, {identity.Balancer, "lb-2", false}, {identity.Balancer, "lb-3", true}} {
		ticket, err := identity.NewTicket(row.role, row.node, []string{"127.0.0.1:1"}, a.Root(), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		err = join(t.Context(), ticket.Text(), dir, io.Discard)
		if refused := err != nil && strings.Contains(err.Error(), "holds the identity of balancer lb-3"); refused == row.meant {
			t.Errorf("%s %s: %v", row.role, row.node, err)
		}
	}
}
