package operator

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/filewatch"
)

// cookieOf logs somebody in.
func (s *stage) cookieOf(name string) string {
	s.t.Helper()
	login := s.ask("POST", "/auth/login", `{"token":"`+s.tokens[name]+`"}`)
	return strings.SplitN(login.Header.Get("Set-Cookie"), ";", 2)[0]
}

func TestALogoutEndsACookieThatWasCopied(t *testing.T) {
	s := newStage(t, "")
	stolen, other := s.cookieOf("admin"), s.cookieOf("admin")
	s.ask("POST", "/auth/logout", "", "Cookie", stolen, "Origin", "http://evil.example")
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", stolen); resp.StatusCode != http.StatusOK {
		t.Error("another page has ended a login:", resp.Status)
	}
	if resp := s.ask("POST", "/auth/logout", "", "Cookie", stolen); resp.StatusCode != http.StatusNoContent {
		t.Error(resp.Status)
	}
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", stolen); resp.StatusCode != http.StatusUnauthorized {
		t.Error("after the logout:", resp.Status)
	}
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", other); resp.StatusCode != http.StatusOK {
		t.Error("another login of the same person:", resp.Status)
	}
	if resp := s.ask("POST", "/auth/logout", ""); resp.StatusCode != http.StatusNoContent {
		t.Error("who has no login:", resp.Status)
	}
}

// Where no more logouts can be remembered nobody stays in by that.
func TestAFloodOfLogoutsLetsNobodyStay(t *testing.T) {
	s := newStage(t, "")
	mine := s.cookieOf("admin")
	far := s.now.Add(sessionLife).Unix()
	for i := range maxEnded {
		s.gate.endings.end(fmt.Sprint(i), far, s.now.Unix())
	}
	if n := len(s.gate.endings.all); n != maxEnded {
		t.Fatal(n)
	}
	s.ask("POST", "/auth/logout", "", "Cookie", mine)
	if resp := s.ask("GET", "/api/v1/status", "", "Cookie", mine); resp.StatusCode != http.StatusUnauthorized {
		t.Error("after the logout:", resp.Status)
	}
	s.now = s.now.Add(sessionLife)
	last := s.cookieOf("admin")
	s.ask("POST", "/auth/logout", "", "Cookie", last)
	if n := len(s.gate.endings.all); n != 1 {
		t.Errorf("%d logouts of logins that are over are remembered", n-1)
	}
}

// An older browser tells by Origin alone which page asks; our own page's questions that
// have one are answered.
func TestAQuestionOfAnOlderBrowserIsItsPages(t *testing.T) {
	s := newStage(t, "")
	cookie := s.cookieOf("viewer")
	for origin, want := range map[string]int{
		"http://lb.example:9080": http.StatusOK, "http://evil.example": http.StatusForbidden, "null": http.StatusForbidden, "http://lb.example:80": http.StatusForbidden,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if resp := s.ask(method, "/api/v1/status", "", "Cookie", cookie, "Origin", origin); resp.StatusCode != want {
				t.Errorf("%s by a page of %s: %d, want %d", method, origin, resp.StatusCode, want)
			}
		}
		if resp := s.ask("GET", "/livez", "", "Origin", origin); resp.StatusCode != http.StatusOK {
			t.Errorf("what is for everybody, by a page of %s: %d", origin, resp.StatusCode)
		}
	}
}

// Who watches is sent away when what they showed is good no more.
func TestWhatIsWatchedEndsWithTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, "")
		s.gate.deps.Now = time.Now
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = s.gate.Run(ctx) }()
		watching := s.gate.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), rows...)
		watch := func(fields ...string) (over chan struct{}) {
			over = make(chan struct{})
			r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/status", nil)
			r.Host = "lb.example:9080"
			r.Header.Set(fields[0], fields[1])
			go func() {
				watching.ServeHTTP(httptest.NewRecorder(), r)
				close(over)
			}()
			return over
		}
		is := func(what string, want bool, over chan struct{}) {
			t.Helper()
			synctest.Wait()
			select {
			case <-over:
				if !want {
					t.Errorf("%s: it has ended", what)
				}
			default:
				if want {
					t.Errorf("%s: it goes on", what)
				}
			}
		}
		out, stays := s.cookieOf("viewer"), s.cookieOf("admin")
		a, b, c := watch("Cookie", out), watch("Cookie", stays), watch(s.bearer("operator")...)
		is("before", false, a)
		s.ask("POST", "/auth/logout", "", "Cookie", out)
		is("after a logout", true, a)
		is("another one's login", false, b)
		s.write("tokens: [{name: the admin, role: admin, hash: " + hashOf(s.tokens["admin"]) + "}]")
		time.Sleep(2 * filewatch.Every)
		is("a token that was taken out", true, c)
		is("one that stays", false, b)
		time.Sleep(sessionLife)
		is("a login after its time", true, b)
		if n := len(s.gate.watchers.all); n != 0 {
			t.Errorf("%d are noted", n)
		}
	})
}
