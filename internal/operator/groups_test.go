package operator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func same(state string) string { return state }

// sessionOf is the cookie of a login.
func sessionOf(resp *http.Response) string {
	for _, c := range resp.Cookies() {
		if c.Name == "tandem-session-lb-1" {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}

// What a login by an issuer may do is said by the file as it is now: who was an admin by a
// group is one no more when the group's row is another, or the issuer is.
func TestALoginsRoleIsTheFilesOfNow(t *testing.T) {
	i := newIssuer(t)
	oidc := func(issuer, roles string) string {
		return "oidc: {issuer: '" + issuer + "', client-id: tandem, redirect: 'https://lb.example/auth/callback', roles: {" + roles + "}}\n"
	}
	i.claims = map[string]any{"groups": []string{"sre", "all", "x"}}
	s := newStage(t, oidc(i.URL, "viewer: [all], admin: [sre]"))
	session := sessionOf(s.login(i, same, "good"))
	for _, step := range []struct{ file, role string }{
		{oidc(i.URL, "viewer: [all], admin: [sre]"), "admin"},
		{oidc(i.URL, "viewer: [all], operator: [sre]"), "operator"},
		{oidc(i.URL, "viewer: [all]"), "viewer"},
		{oidc(i.URL, "viewer: [other]"), "nobody"},
		{oidc(i.URL, "admin: [x]"), "nobody"}, // a group that gave no role is not in the login
		{oidc("https://other.example", "viewer: [all], admin: [sre]"), "nobody"},
		{"tokens: [{name: a, role: viewer, hash: " + hashOf("x") + "}]", "nobody"},
	} {
		s.write(step.file)
		f, err := load(s.path)
		if err != nil {
			t.Fatal(err)
		}
		s.gate.file.Store(f)
		if me := text(s.ask("GET", "/auth/me", "", "Cookie", session)); !strings.Contains(me, `"role":"`+step.role+`"`) {
			t.Errorf("%s: %s, want %s", step.file, me, step.role)
		}
	}
}

type answers func(r *http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// An issuer that answers without end, sends us elsewhere, or names an address that is not
// encrypted logs nobody in, and costs no memory.
func TestHostileIssuersAreBounded(t *testing.T) {
	flood, elsewhere := &endless{}, 0
	for what, answer := range map[string]answers{
		"endless": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(flood)}, nil
		},
		"a redirect": func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "issuer.example" {
				elsewhere++
				return nil, errors.New("asked")
			}
			return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://10.0.0.1/"}}, Body: http.NoBody, Request: r}, nil
		},
	} {
		p := &providers{transport: answer}
		if _, err := p.of(t.Context(), "https://issuer.example"); err == nil {
			t.Errorf("%s: it is taken", what)
		}
	}
	if flood.read > 2*maxIssuer || elsewhere > 0 {
		t.Errorf("%d bytes were read; elsewhere was asked %d times", flood.read, elsewhere)
	}
	asked := 0
	p := &providers{transport: answers(func(*http.Request) (*http.Response, error) { asked++; return nil, errors.New("asked") })}
	if _, err := p.of(t.Context(), "http://issuer.example"); err == nil || asked != 0 {
		t.Errorf("in clear: %v, asked %d times", err, asked)
	}
}
