package operator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// issuers answer for themselves, or never.
type issuers struct{ asked atomic.Int32 }

func (i *issuers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "dead" {
		i.asked.Add(1)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	about := `{"issuer": "https://` + r.URL.Host + `", "authorization_endpoint": "https://x/a", "token_endpoint": "https://x/t", "jwks_uri": "https://x/k"}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(about)), Request: r}, nil
}

// An issuer that does not answer is asked once for all who wait, for 5 s; who waits for
// another one, or leaves, is held up by none of that.
func TestDeadIssuerHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &issuers{}
		p := &providers{transport: all}
		began, left := time.Now(), make(chan error, 1)
		waiting := make(chan error, 3)
		first, gone := context.WithCancel(t.Context())
		defer gone()
		for i, ctx := range []context.Context{first, t.Context(), t.Context()} {
			go func() {
				_, err := p.of(ctx, "https://dead")
				waiting <- err
			}()
			if synctest.Wait(); i == 0 {
				gone() // whose question it is leaves: the others get its answer all the same
			}
		}
		leaves, leave := context.WithCancel(t.Context())
		go func() {
			_, err := p.of(leaves, "https://dead")
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who leaves: %v", err)
		}
		for range 2 { // asked, and known
			if found, err := p.of(t.Context(), "https://good"); err != nil || found == nil {
				t.Errorf("another issuer: %v", err)
			}
		}
		if time.Since(began) != 0 || len(waiting) != 0 {
			t.Errorf("they were held up for %s", time.Since(began))
		}
		for range cap(waiting) {
			if err := <-waiting; err == nil || time.Since(began) != oidcLimit {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
		}
		if all.asked.Load() != 1 {
			t.Errorf("it was asked %d times", all.asked.Load())
		}
		if _, err := p.of(t.Context(), "https://dead"); err == nil || all.asked.Load() != 2 {
			t.Errorf("who comes later does not ask again: %v, asked %d times", err, all.asked.Load())
		}
	})
}

// What is known of an issuer holds while it can't be asked: logins go on by the keys
// that were read, and a key that can't be read opens nothing.
func TestIssuersKeysAreKeptWhileItCannotBeAsked(t *testing.T) {
	i := newIssuer(t)
	i.claims = map[string]any{"groups": "all"}
	s := newStage(t, "oidc: {issuer: '"+i.URL+"', client-id: tandem, redirect: 'https://lb.example/auth/callback', roles: {viewer: [all]}}\n")
	same := func(state string) string { return state }
	for _, step := range []struct {
		what   string
		kid    string
		away   bool
		status int
	}{
		{"the keys are read", "1", false, http.StatusOK},
		{"a known key, and nobody tells any", "1", true, http.StatusOK},
		{"an unknown key, and nobody tells any", "2", true, http.StatusForbidden},
		{"a known key after that", "1", true, http.StatusOK},
		{"the new key is told", "2", false, http.StatusOK},
	} {
		i.kid, i.away = step.kid, step.away
		if resp := s.login(i, same, "good"); resp.StatusCode != step.status {
			t.Errorf("%s: %s", step.what, resp.Status)
		}
	}
}
