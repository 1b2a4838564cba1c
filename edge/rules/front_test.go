package rules

import (
	"net/http"
	"testing"
)

// A proxy that asks by a name of its own, and says nothing of the viewer's, is known by the
// names that are the cluster's own.
func TestTheViewersNameIsThePublicOne(t *testing.T) {
	tv := []string{"https://tv.example/", "old.example:8080"}
	for _, c := range []struct {
		public       []string
		h            http.Header
		host, scheme string
	}{
		{nil, fields(), "inner:80", "http://inner:80"},
		{tv, fields(), "inner:80", "https://tv.example"},
		{tv, fields(), "", "https://tv.example"},
		{tv, fields(), "TV.example:81", "http://TV.example:81"},
		{tv, fields("X-Forwarded-Proto: https"), "old.example", "https://old.example"},
		{tv, fields("X-Forwarded-Host: other.example"), "inner", "http://other.example"},
		{[]string{"[2001:db8::1]:80"}, fields(), "[2001:db8::1]", "http://[2001:db8::1]"},
		{[]string{"tv.example"}, fields(), "[2001:db8::1]:80", "http://tv.example"},
		{nil, fields("X-Forwarded-Host: a b"), "inner", ""},
	} {
		if got := Front(c.h, c.host, false, c.public); got != c.scheme {
			t.Errorf("%v %v at %q: %q, want %q", c.public, c.h, c.host, got, c.scheme)
		}
	}
}
