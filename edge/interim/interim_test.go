package interim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"testing"
	"time"

	"tandem/edge/interim"
	"tandem/internal/wire"
)

// A late answer keeps a node awake until its first byte, with nothing of its own fields;
// where that is not the whole body, the node is told that the rest is waited for as well.
func TestANodeIsKeptAwakeUntilTheFirstByte(t *testing.T) {
	var board interim.Board
	heard, on := make(chan textproto.MIMEHeader, 1000), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		late := interim.To(w, r.URL.Path != "/viewer").Late(&board)
		defer late.Stop()
		late.Status = http.StatusAccepted
		late.Header.Set("ETag", `"one"`)
		late.Header.Set("Content-Length", "6")
		<-on
		if r.URL.Path == "/parts" {
			_, _ = io.WriteString(late, "abc")
			_, _ = io.WriteString(late, "def")
			return
		}
		_, _ = io.WriteString(late, "abcdef")
	}))
	defer s.Close()
	for path, want := range map[string]struct {
		awake bool
		waits bool
	}{"/parts": {true, true}, "/whole": {true, false}, "/viewer": {false, false}} {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			heard <- h
			return nil
		}})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if want.awake {
				select {
				case h := <-heard:
					if h.Get(wire.HeaderWaiting) != "1" || len(h) != 1 {
						t.Errorf("%s: meanwhile: %v", path, h)
					}
				case <-time.After(10 * time.Second):
					t.Errorf("%s: nothing was said meanwhile", path)
				}
			}
			on <- struct{}{}
		}()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusAccepted || string(body) != "abcdef" || resp.Header.Get("ETag") != `"one"` || (resp.Header.Get(wire.HeaderWaiting) != "") != want.waits {
			t.Errorf("%s: %s %q %v, %v", path, resp.Status, body, resp.Header, err)
		}
	}
}
