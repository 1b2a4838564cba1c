package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built() pages {
	return load(fstest.MapFS{
		".keep":               {},
		"index.html":          {Data: []byte("<!doctype html>the page")},
		"assets/app-AB12.js":  {Data: []byte("let a")},
		"assets/style-CD.css": {Data: []byte("a{}")},
	})
}

func ask(t *testing.T, h http.Handler, method, path, etag string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'self'") {
		t.Fatalf("%s %s: the browser may load from elsewhere: %q", method, path, got)
	}
	return w.Result()
}

func TestPageIsAskedForAnewAndAssetsAreKept(t *testing.T) {
	h := built()
	for path, want := range map[string]struct{ cache, kind string }{
		"/":                    {"no-cache", "text/html; charset=utf-8"},
		"/index.html":          {"no-cache", "text/html; charset=utf-8"},
		"/assets/app-AB12.js":  {"public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		"/assets/style-CD.css": {"public, max-age=31536000, immutable", "text/css; charset=utf-8"},
	} {
		answer := ask(t, h, http.MethodGet, path, "")
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != want.cache || answer.Header.Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %v", path, answer.StatusCode, answer.Header)
		}
		again := ask(t, h, http.MethodGet, path, answer.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: the same again: %d", path, again.StatusCode)
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for _, path := range []string{"/.keep", "/assets/", "/assets", "/../embed.go", "/nothing"} {
		if answer := ask(t, built(), http.MethodGet, path, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	if answer := ask(t, built(), http.MethodPost, "/", ""); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", answer.StatusCode)
	}
	answer := ask(t, built(), http.MethodHead, "/", "")
	if answer.StatusCode != http.StatusOK || answer.ContentLength > 0 {
		t.Errorf("HEAD: %d, %d bytes", answer.StatusCode, answer.ContentLength)
	}
}

func TestBinaryWithoutThePageSaysHowToGetIt(t *testing.T) {
	w := httptest.NewRecorder()
	load(fstest.MapFS{".keep": {}}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, want := range []string{"make web", "api/v1/status", "metrics"} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, no %q in it", w.Code, want)
		}
	}
}

func TestEmbeddedPageNamesOnlyWhatIsThere(t *testing.T) {
	w := httptest.NewRecorder()
	h := Handler()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	for _, part := range strings.Split(w.Body.String(), `"`) {
		if !strings.HasPrefix(part, "assets/") {
			continue
		}
		if answer := ask(t, h, http.MethodGet, "/"+part, ""); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", part, answer.StatusCode)
		}
	}
}
