package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestWrongUpstreamIsNamedWithItsFix(t *testing.T) {
	long := strings.Repeat("x", 20<<10)
	for text, want := range map[string]string{
		`{"prefix": "news", "servers": [{"url": "http://a"}]}`: "slash at both ends",
		`{"prefix": "/s/", "servers": [{"url": "http://a"}]}`:  "the cluster's own",
		`{"prefix": "/"}`: "want 1 to 16",
		`{"prefix": "/", "servers": [{"url": "ftp://a"}]}`:                                           "is no base URL",
		`{"prefix": "/", "servers": [{"url": "http://a:65536"}]}`:                                    "want a port from 1 to 65535",
		`{"prefix": "/", "servers": [{"url": "http://a:0/"}]}`:                                       "want a port from 1 to 65535",
		`{"prefix": "/", "servers": [{"url": "http://a/?x=1"}]}`:                                     "is no base URL",
		`{"prefix": "/", "servers": [{"url": "http://u:s3cret@a:x/"}]}`:                              "is no URL",
		`{"prefix": "/", "servers": [{"url": "ftp://u:s3cret@a/"}]}`:                                 "is no base URL",
		`{"prefix": "/", "servers": [{"url": "http://u:s3cret@a/"}, {"url": "http://a"}]}`:           "http://a is there twice",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "policy": "all"}`:                         "none of first, spread",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "redirects": "no"}`:                       "none of rewrite, follow",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "key": "k"}`:                              "go together",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "node": true}`:                            "want https",
		`{"prefix": "/", "servers": [{"url": "https://a"}], "node": true, "ca": "roots.pem"}`:        "leave ca, certificate",
		`{"prefix": "/", "servers": [{"url": "https://a"}], "node": true, "redirects": "follow"}`:    "leave redirects out",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "host": "a b"}`:                           "want names",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "health_check": {"target": "x"}}`:         "a path like /health",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "request_fields": {"A B": "x"}}`:          "is no field",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "request_fields": {"A": "x\r\nB: y"}}`:    "is no field",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "request_fields": {"host": "x"}}`:         "a key of its own",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "request_fields": {"Range": "x"}}`:        "not for everybody",
		`{"prefix": "/", "servers": [{"url": "http://a"}], "request_fields": {"A": "` + long + `"}}`: "at most 16384",
	} {
		var u Upstream
		if err := json.Unmarshal([]byte(text), &u); err != nil {
			t.Fatal(err)
		}
		err := CheckUpstreams([]Upstream{u})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%.120s: want %q, got %v", text, want, err)
		}
	}
	good := Upstream{Prefix: "/", Servers: []UpstreamServer{{URL: "http://a"}}}
	if err := CheckUpstreams([]Upstream{good, good}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Error("two of one prefix:", err)
	}
	if err := CheckUpstreams(make([]Upstream, MaxUpstreams+1)); err == nil || !strings.Contains(err.Error(), "at most 256") {
		t.Error("too many:", err)
	}
	for _, text := range []string{"2", "-1s", "2h", "soon"} {
		if err := new(Span).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is a time", text)
		}
	}
}

func TestUpstreamIsTheOneWithTheLongestPrefix(t *testing.T) {
	all := []Upstream{{Prefix: "/a/"}, {Prefix: "/a/b/"}, {Prefix: "/c/"}}
	for target, want := range map[string]string{"/a/x": "/a/", "/a/b/x?y": "/a/b/", "/a/b": "/a/", "/ab/x": "", "/x?/a/": "", "/c/?": "/c/", "/a%2Fb/": ""} {
		got := ""
		if u := UpstreamOf(all, target); u != nil {
			got = u.Prefix
		}
		if got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

func TestUpstreamSurvivesJSONAndShowsNoSecret(t *testing.T) {
	u := Upstream{
		Prefix: "/", Servers: []UpstreamServer{{URL: "https://user:s3cret@a.example.com/base/"}, {URL: "http://b", Backup: true}}, Connect: Span(time.Second),
		Fields: map[string]string{"Authorization": "Bearer s3cret"}, Key: "-----BEGIN s3cret", Certificate: "-----BEGIN", Check: &UpstreamCheck{Target: "/h", Every: Span(2 * time.Second)},
	}
	text, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	var again Upstream
	if err := json.Unmarshal(text, &again); err != nil || CheckUpstreams([]Upstream{again}) != nil {
		t.Fatal(err, CheckUpstreams([]Upstream{again}))
	}
	if again.Connect.Or(0) != time.Second || again.Next.Or(time.Minute) != time.Minute || again.Check.Every != u.Check.Every || again.Fields["Authorization"] != "Bearer s3cret" {
		t.Errorf("%s\n%+v", text, again)
	}
	base, err := again.Servers[0].Base()
	if err != nil || base.Host != "a.example.com" || base.Path != "/base" {
		t.Error(base, err)
	}
	shown, err := json.Marshal(u.Redacted())
	if err != nil || strings.Contains(string(shown), "s3cret") || !strings.Contains(string(shown), "Authorization") {
		t.Errorf("%s %v", shown, err)
	}
}
