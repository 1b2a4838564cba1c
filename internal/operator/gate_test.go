package operator

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/filewatch"
)

func TestEveryEndpointIsForItsRole(t *testing.T) {
	s := newStage(t, "")
	for _, row := range []struct {
		method, path string
		role         Role
	}{
		{"GET", "/", Nobody},
		{"GET", "/livez", Nobody},
		{"GET", "/readyz", Nobody},
		{"GET", "/auth/me", Nobody},
		{"HEAD", "/", Nobody},
		{"GET", "/metrics", Viewer},
		{"GET", "/api/v1/status", Viewer},
		{"HEAD", "/api/v1/status", Viewer},
		{"POST", "/api/v1/edges/e1/drain", Operator},
		{"POST", "/api/v1/keys/tokens/rotate", Admin},
		{"GET", "/debug/pprof/", Admin},
		{"GET", "/debug/pprof/heap", Admin},
		{"POST", "/debug/pprof/symbol", Admin},
		{"GET", "/api/v1/not/in/the/table", Admin},
		{"DELETE", "/api/v1/status", Admin},
		{"GET", "/api/v1/edges/e1%2Fx/drain", Admin},
	} {
		for i, who := range []string{"", "viewer", "operator", "admin"} {
			var fields []string
			if who != "" {
				fields = s.bearer(who)
			}
			want := http.StatusOK
			switch {
			case Role(i) < row.role && i == 0:
				want = http.StatusUnauthorized
			case Role(i) < row.role:
				want = http.StatusForbidden
			}
			if resp := s.ask(row.method, row.path, "", fields...); resp.StatusCode != want {
				t.Errorf("%s %s by %q: %d, want %d", row.method, row.path, who, resp.StatusCode, want)
			}
		}
	}
}

// What two would read in two ways is read by nobody.
func TestPathIsReadInOneWay(t *testing.T) {
	s := newStage(t, "")
	for _, path := range []string{"/livez/../api/v1/status", "//api/v1/status", "/api//v1/status", "/api/v1/./status", "/debug/pprof/../../livez"} {
		if resp := s.ask("GET", path, "", s.bearer("admin")...); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestWhoIsNotKnownIsNobody(t *testing.T) {
	s := newStage(t, "")
	later := s.now.Add(time.Hour).Unix()
	for what, cookie := range map[string]string{
		"of an issuer that nobody trusts any more": s.gate.seals.Load().seal("session", sealed{By: "oidc", Issuer: "https://id.example", Groups: []string{"sre"}, Expires: later}),
		"made for another purpose":                 s.gate.seals.Load().seal("login", sealed{Token: hashOf(s.tokens["admin"]), Expires: later}),
		"of another process":                       newSealer().seal("session", sealed{Token: hashOf(s.tokens["admin"]), Expires: later}),
	} {
		if resp := s.ask("GET", "/api/v1/status", "", "Cookie", "tandem-session-lb-1="+cookie); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("a cookie %s: %s", what, resp.Status)
		}
	}
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", "tandem-session-lb-1="+s.gate.seals.Load().seal("session", sealed{Token: hashOf(s.tokens["viewer"]), Expires: later})); resp.StatusCode != http.StatusOK {
		t.Error("a good cookie:", resp.Status)
	}
	for what, fields := range map[string][]string{
		"a token of nobody": {"Authorization", "Bearer " + tokenMark + "x"}, "no token": {"Authorization", "Bearer "}, "a hash for a token": {"Authorization", "Bearer " + hashOf(s.tokens["admin"])},
		"a password": {"Authorization", "Basic YTpi"}, "a cookie of nobody": {"Cookie", "tandem-session-lb-1=e30.AAAA"}, "two halves": {"Cookie", "tandem-session-lb-1=."},
	} {
		if resp := s.ask("GET", "/api/v1/status", "", fields...); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d", what, resp.StatusCode)
		}
	}
}

// A page whose name was made to lead here sends that name as the host.
func TestNameThatNobodyGaveGetsNothing(t *testing.T) {
	for _, file := range []bool{true, false} {
		s := newStage(t, "")
		if !file {
			s.open(Config{Name: "lb-1", Listen: "127.0.0.1:9080", Hosts: []string{"lb.example"}})
		}
		for host, known := range map[string]bool{
			"lb.example:9080": true, "LB.example": true, "lb.example.": true, "localhost:9080": true, "127.0.0.1:9080": true, "[::1]:9080": true, "::1": true, "10.0.0.5": true,
			"evil.example:9080": false, "evil.example": false, "lb.example.evil.example": false, "": false, "127.0.0.1.evil.example:9080": false, "localhost.evil.example": false,
		} {
			for _, path := range []string{"/api/v1/status", "/debug/pprof/heap", "/metrics"} {
				resp := s.ask("GET", path, "", append(s.bearer("admin"), "Host", host)...)
				if (resp.StatusCode == http.StatusOK) != known {
					t.Errorf("%s as %q: %d", path, host, resp.StatusCode)
				}
			}
			if resp := s.ask("GET", "/livez", "", "Host", host); resp.StatusCode != http.StatusOK {
				t.Errorf("a probe as %q: %d", host, resp.StatusCode)
			}
			if resp := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["admin"]+`"}`, "Host", host); file && (resp.StatusCode == http.StatusOK) != known || !known && !strings.Contains(text(resp), "--admin-hosts") {
				t.Errorf("a login as %q: %d", host, resp.StatusCode)
			}
		}
	}
}

func TestOtherPagesCanNeitherOrderNorFrame(t *testing.T) {
	s := newStage(t, "")
	login := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["operator"]+`"}`)
	cookie := strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
	for _, attribute := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(login.Header.Get("Set-Cookie"), attribute) {
			t.Errorf("the cookie is not %s: %s", attribute, login.Header.Get("Set-Cookie"))
		}
	}
	const drain = "/api/v1/edges/e1/drain"
	for what, row := range map[string]struct {
		fields []string
		status int
	}{
		"our page":                    {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "http://lb.example:9080"}, http.StatusOK},
		"an older browser's own page": {[]string{"Origin", "http://lb.example:9080"}, http.StatusOK},
		"another site's page":         {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "http://evil.example"}, http.StatusForbidden},
		"a neighbour of ours":         {[]string{"Sec-Fetch-Site", "same-site", "Origin", "http://x.lb.example"}, http.StatusForbidden},
		"an older browser's":          {[]string{"Origin", "http://evil.example"}, http.StatusForbidden},
		"a sandbox":                   {[]string{"Origin", "null"}, http.StatusForbidden},
	} {
		resp := s.ask("POST", drain, "", append(row.fields, "Cookie", cookie)...)
		if resp.StatusCode != row.status {
			t.Errorf("%s: %d, want %d", what, resp.StatusCode, row.status)
		}
		if resp.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: it may be framed", what)
		}
		open := newStage(t, "")
		open.open(Config{Name: "lb-1", Listen: "127.0.0.1:9080", Hosts: []string{"lb.example"}})
		if resp := open.ask("POST", drain, "", row.fields...); resp.StatusCode != row.status {
			t.Errorf("%s, without operators: %d, want %d", what, resp.StatusCode, row.status)
		}
	}
	// Who shows a token is no browser that was made to.
	if resp := s.ask("POST", drain, "", append(s.bearer("operator"), "Origin", "http://evil.example")...); resp.StatusCode != http.StatusOK {
		t.Errorf("a token: %d", resp.StatusCode)
	}
	if resp := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["admin"]+`"}`, "Origin", "http://evil.example"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a login by another page: %d", resp.StatusCode)
	}
	if resp := s.ask("POST", "/auth/logout", "", "Origin", "http://evil.example"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a logout by another page: %d", resp.StatusCode)
	}
}

// A page whose scripts can't read what comes could make it come all the same: profiles
// that cost, streams of events that take places. A link to the page itself leads there.
func TestOtherPagesAreAnsweredNothing(t *testing.T) {
	guarded, open := newStage(t, "metrics: open\n"), newStage(t, "")
	open.open(Config{Name: "lb-1", Listen: "127.0.0.1:9080", Hosts: []string{"lb.example"}})
	login := guarded.ask("POST", "/auth/login", `{"token":"`+guarded.tokens["admin"]+`"}`)
	cookie := strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
	for _, row := range []struct {
		path, site string
		status     int
	}{
		{"/api/v1/status", "same-origin", http.StatusOK},
		{"/api/v1/status", "none", http.StatusOK},
		{"/api/v1/status", "", http.StatusOK},
		{"/api/v1/status", "same-site", http.StatusForbidden},
		{"/api/v1/status", "cross-site", http.StatusForbidden},
		{"/debug/pprof/trace", "cross-site", http.StatusForbidden},
		{"/no/such/path", "cross-site", http.StatusForbidden},
		{"/", "cross-site", http.StatusOK},
		{"/livez", "cross-site", http.StatusOK},
		{"/auth/me", "cross-site", http.StatusOK},
	} {
		for _, s := range []*stage{guarded, open} {
			for _, mode := range []string{"navigate", "no-cors"} {
				if resp := s.ask("GET", row.path, "", "Cookie", cookie, "Sec-Fetch-Site", row.site, "Sec-Fetch-Mode", mode); resp.StatusCode != row.status {
					t.Errorf("%s by %q (%s): %d, want %d", row.path, row.site, mode, resp.StatusCode, row.status)
				}
			}
		}
	}
	if resp := guarded.ask("GET", "/api/v1/status", "", append(guarded.bearer("viewer"), "Sec-Fetch-Site", "cross-site")...); resp.StatusCode != http.StatusOK {
		t.Errorf("who shows a token: %d", resp.StatusCode)
	}
	if resp := guarded.ask("GET", "/metrics", "", "Sec-Fetch-Site", "cross-site"); resp.StatusCode != http.StatusOK {
		t.Errorf("what is open to all: %d", resp.StatusCode)
	}
}

// What was set or sent without TLS may be anybody's who is between.
func TestWithTLSALoginIsThisHostsAlone(t *testing.T) {
	s := newStage(t, "", func(c *Config) { c.Secure = true })
	login := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["operator"]+`"}`, "Origin", "https://lb.example:9080")
	cookie := strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
	if !strings.HasPrefix(cookie, "__Host-") || !strings.Contains(login.Header.Get("Set-Cookie"), "; Secure") || strings.Contains(login.Header.Get("Set-Cookie"), "Domain") {
		t.Errorf("with TLS: %s", login.Header.Get("Set-Cookie"))
	}
	for origin, status := range map[string]int{"https://lb.example:9080": http.StatusOK, "http://lb.example:9080": http.StatusForbidden, "HTTP://lb.example:9080": http.StatusForbidden} {
		for _, path := range []string{"/api/v1/edges/e1/drain", "/auth/login", "/auth/logout"} {
			login := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["operator"]+`"}`, "Origin", "https://lb.example:9080")
			cookie := strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
			resp := s.ask("POST", path, `{"token":"`+s.tokens["operator"]+`"}`, "Cookie", cookie, "Origin", origin)
			if (resp.StatusCode == http.StatusForbidden) != (status == http.StatusForbidden) {
				t.Errorf("%s by a page of %s: %d", path, origin, resp.StatusCode)
			}
		}
	}
	// The cookie of a listener without TLS, which anybody between could have set, is none.
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", strings.TrimPrefix(cookie, "__Host-")); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a cookie without __Host-: %d", resp.StatusCode)
	}
}

func TestLoginIsGoodForAWhileAndAsLongAsItsToken(t *testing.T) {
	s := newStage(t, "")
	login := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["viewer"]+`"}`)
	if login.StatusCode != http.StatusOK {
		t.Fatal(login.Status)
	}
	cookie := strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", cookie); resp.StatusCode != http.StatusOK || text(resp) != "the viewer" {
		t.Error(resp.Status)
	}
	if me := text(s.ask("GET", "/auth/me", "", "Cookie", cookie)); !strings.Contains(me, `"role":"viewer"`) || !strings.Contains(me, `"by":"login"`) {
		t.Error(me)
	}
	forged := strings.Replace(cookie, "=", "=e", 1)
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", forged); resp.StatusCode != http.StatusUnauthorized {
		t.Error("a cookie that was changed:", resp.Status)
	}
	s.now = s.now.Add(sessionLife - time.Second)
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", cookie); resp.StatusCode != http.StatusOK {
		t.Error("in the last second:", resp.Status)
	}
	s.now = s.now.Add(time.Second)
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", cookie); resp.StatusCode != http.StatusUnauthorized {
		t.Error("after its time:", resp.Status)
	}
	for _, bad := range []string{"", "{}", `{"token":"` + hashOf(s.tokens["viewer"]) + `"}`, strings.Repeat("x", maxLogin+1)} {
		if resp := s.ask("POST", "/auth/login", bad); resp.StatusCode < 400 || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%.30q: %s", bad, resp.Status)
		}
	}
	if out := s.ask("POST", "/auth/logout", ""); !strings.Contains(out.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Error(out.Header)
	}
}

func TestOperatorsChangeWhileTheNodeRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		login := s.ask("POST", "/auth/login", `{"token":"`+s.tokens["viewer"]+`"}`)
		cookie := strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.gate.Run(ctx) }()
		synctest.Wait()
		token, hash := NewToken()
		step := func(text string) {
			s.write(text)
			time.Sleep(2 * filewatch.Every)
			synctest.Wait()
		}
		step("tokens: nobody")
		if len(s.told) != 1 || s.ask("GET", "/api/v1/status", "", "Cookie", cookie).StatusCode != http.StatusOK {
			t.Errorf("a broken file changes something, or nobody is told: %v", s.told)
		}
		step("tokens: [{name: new, role: admin, hash: " + hash + "}]")
		if resp := s.ask("GET", "/api/v1/status", "", "Cookie", cookie); resp.StatusCode != http.StatusUnauthorized {
			t.Error("the login of a token that was taken out:", resp.Status)
		}
		if resp := s.ask("GET", "/debug/pprof/heap", "", "Authorization", "Bearer "+token); resp.StatusCode != http.StatusOK {
			t.Error("a new token:", resp.Status)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsOrderedIsNoted(t *testing.T) {
	s := newStage(t, "")
	s.ask("GET", "/api/v1/status", "", s.bearer("viewer")...)
	s.ask("POST", "/api/v1/edges/e1/drain", "", s.bearer("operator")...)
	s.ask("POST", "/api/v1/edges/e1/drain", "", s.bearer("viewer")...)
	s.ask("POST", "/api/v1/edges/e1/drain", "") // a stranger can't fill the log
	// Nor can a node that is led here in place of the nodes' listener, four times a second.
	s.gate.audit(httptest.NewRequest("POST", "/_tandem/report", nil), Person{Name: "anybody", Role: Admin}, http.StatusMethodNotAllowed)
	if len(s.audit) != 2 {
		t.Fatalf("%+v", s.audit)
	}
	want := Entry{Time: s.now.UnixMilli(), Who: "the operator", Role: "operator", By: "token", From: "192.0.2.1", Method: "POST", Path: "/api/v1/edges/e1/drain", Status: 200}
	if s.audit[0] != want || s.audit[1].Who != "the viewer" || s.audit[1].Status != 403 {
		t.Fatalf("%+v", s.audit)
	}
}

// Who guesses tokens is told of, and fills no log by it; who shows none, or a good one whose
// role is too small, guesses nothing.
func TestTokensThatNobodyHasAreTold(t *testing.T) {
	s := newStage(t, "")
	s.ask("GET", "/api/v1/status", "")
	s.ask("POST", "/api/v1/keys/tokens/rotate", "", s.bearer("viewer")...)
	s.ask("GET", "/livez", "", "Authorization", "Bearer x") // a probe that shows what it likes
	if len(s.told) != 0 {
		t.Errorf("told: %v", s.told)
	}
	for range 100 {
		s.ask("GET", "/api/v1/status", "", "Authorization", "Bearer x")
		s.ask("POST", "/auth/login", `{"token":"x"}`)
	}
	s.now = s.now.Add(guessEvery)
	s.ask("POST", "/auth/login", `{"token":"x"}`)
	s.now = s.now.Add(guessEvery)
	s.ask("POST", "/auth/login", `{"token":"x"}`)
	const first = "a token that nobody has was shown from 192.0.2.1"
	if len(s.told) != 3 || s.told[0].Error() != first || s.told[1].Error() != first+", and 199 more times since this was last said" || s.told[2].Error() != first {
		t.Errorf("told: %v", s.told)
	}
}

func TestListenerThatNobodyGuardsIsThisMachinesAlone(t *testing.T) {
	for listen, good := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, "0.0.0.0:1": false, ":1": false, "10.0.0.1:1": false, "lb.example:1": false, "": false} {
		if _, err := New(Config{Listen: listen}, Deps{}); (err == nil) != good || err != nil && !errors.Is(err, ErrOpen) {
			t.Errorf("%q: %v", listen, err)
		}
		if _, err := New(Config{Listen: listen, Open: true}, Deps{}); err != nil {
			t.Errorf("%q, open on purpose: %v", listen, err)
		}
	}
}

func TestFileOfOperatorsThatCannotBeMeantIsRefused(t *testing.T) {
	s := newStage(t, "")
	_, hash := NewToken()
	for row, says := range map[string]string{
		"": "names nobody",
		"tokens: [{name: a, role: root, hash: " + hash + "}]":                                               "no role",
		"tokens: [{name: a, role: nobody, hash: " + hash + "}]":                                             "no role",
		"tokens: [{name: a, role: admin, hash: secret}]":                                                    "64 hex digits",
		"tokens: [{role: admin, hash: " + hash + "}]":                                                       "name",
		"tokens: [{name: a, role: admin, hash: " + hash + "}, {name: a, role: viewer, hash: " + hash + "}]": "name",
		"metrics: maybe": "neither",
		"unknown: 1":     "unknown",
		"oidc: {issuer: 'http://id.example', client-id: x, redirect: 'https://lb/auth/callback', roles: {admin: [a]}}":                         "https",
		"oidc: {issuer: 'https://id.example', client-id: x, redirect: 'https://lb/', roles: {admin: [a]}}":                                     "/auth/callback",
		"oidc: {issuer: 'https://id.example', redirect: 'https://lb/auth/callback', roles: {admin: [a]}}":                                      "client-id",
		"oidc: {issuer: 'https://id.example', client-id: x, redirect: 'https://lb/auth/callback'}":                                             "nobody gets in",
		"oidc: {issuer: 'https://id.example', client-id: x, redirect: 'https://lb/auth/callback', roles: {root: [a]}}":                         "no role",
		"oidc: {issuer: 'https://id.example', client-id: x, redirect: 'https://lb/auth/callback', client-secret-file: x, roles: {admin: [a]}}": "no such file",
	} {
		s.write(row)
		if _, err := New(Config{File: s.path}, Deps{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", row, err, says)
		}
	}
	s.write("tokens: [{name: a, role: admin, hash: " + hash + "}]")
	if err := os.Chmod(s.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{File: s.path}, Deps{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
}

func TestMetricsCanBeOpen(t *testing.T) {
	s := newStage(t, "metrics: open\n")
	for path, status := range map[string]int{"/metrics": http.StatusOK, "/api/v1/status": http.StatusUnauthorized} {
		if resp := s.ask("GET", path, ""); resp.StatusCode != status {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

// What people are called, and what they ask for, says nothing to a terminal.
func TestAnAuditHoldsTextAlone(t *testing.T) {
	for said, want := range map[string]string{"anna": "anna", "a\x1b[31mn\nna\u009b\u202e": "a[31mnna", "\xff\xfeb": "b", strings.Repeat("é", 150): strings.Repeat("é", 100)} {
		if got := cut(said); got != want {
			t.Errorf("%q: %q", said, got)
		}
	}
}
