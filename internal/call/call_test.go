package call

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tandem/internal/wire"
)

func newNode(t *testing.T, answer http.HandlerFunc) (*Client, string) {
	t.Helper()
	secret, err := wire.NewSecret("a secret that is long enough")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !secret.Authorised(r) || r.Header.Get(wire.HeaderFrom) != "node-1" {
			t.Errorf("%s came unsigned: %v", r.URL, r.Header)
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	c := NewClient("node-1", secret, nil)
	t.Cleanup(c.Close)
	return c, server.URL
}

func TestAskSendsJSONAndReadsTheAnswer(t *testing.T) {
	c, url := newNode(t, func(w http.ResponseWriter, r *http.Request) {
		var sent wire.Ready
		if r.Header.Get("Content-Type") != "application/json" || !Read(w, r, &sent) {
			t.Errorf("%v", r.Header)
		}
		Reply(w, http.StatusOK, wire.Pong{Name: sent.Edge, Incarnation: sent.Incarnation})
	})
	var pong wire.Pong
	if err := c.Ask(context.Background(), http.MethodPost, url, wire.Ready{Edge: "edge-1", Incarnation: 7}, &pong); err != nil || pong.Name != "edge-1" || pong.Incarnation != 7 {
		t.Fatalf("%+v, %v", pong, err)
	}
}

func TestWhatIsNoSuccessIsAnErrorWithItsStatusAndBody(t *testing.T) {
	c, url := newNode(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" { // a redirect leads nowhere: the secret stays here
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		RefuseNode(w, http.StatusConflict, "stale", "an older incarnation")
	})
	for path, want := range map[string]int{"/": http.StatusConflict, "/moved": http.StatusFound} {
		err := c.Ask(context.Background(), http.MethodGet, url+path, nil, nil)
		if StatusOf(err) != want {
			t.Errorf("%s: %v, want %d", path, err, want)
		}
	}
	err := c.Ask(context.Background(), http.MethodGet, url, nil, nil)
	if err.Error() != "409 Conflict: an older incarnation" { // and no JSON within a log's JSON
		t.Fatalf("%v", err)
	}
	if other := (&StatusError{Status: http.StatusBadGateway, Body: []byte("<html>\n" + strings.Repeat("x", 900))}).Error(); len(other) > 500 || !strings.HasPrefix(other, "502 Bad Gateway: <html>") {
		t.Fatalf("%d bytes: %s", len(other), other)
	}
	if StatusOf(c.Ask(context.Background(), http.MethodGet, "http://127.0.0.1:1", nil, nil)) != 0 {
		t.Fatal("no answer has no status")
	}
}

func TestBodiesAreReadToABoundAndStrictlyForOperators(t *testing.T) {
	type order struct {
		Name string `json:"name"`
	}
	for _, row := range []struct {
		body           string
		strict, status int
	}{
		{`{"name":"x"}`, http.StatusOK, http.StatusOK},
		{`{"name":"x","later":1}`, http.StatusBadRequest, http.StatusOK}, // a newer node's field
		{`{"name":"x"} {}`, http.StatusBadRequest, http.StatusBadRequest},
		{``, http.StatusBadRequest, http.StatusBadRequest},
		{`{"name":"` + strings.Repeat("x", 200) + `"}`, http.StatusRequestEntityTooLarge, http.StatusOK},
	} {
		for _, strict := range []bool{true, false} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(row.body))
			var into order
			want, ok := row.status, false
			if strict {
				want, ok = row.strict, ReadStrict(w, r, 100, &into)
			} else {
				ok = Read(w, r, &into)
			}
			if ok != (want == http.StatusOK) || !ok && w.Code != want {
				t.Errorf("%.40q, strict %v: %v %d, want %d", row.body, strict, ok, w.Code, want)
			}
		}
	}
}

func TestRefusalTellsPeopleProgramsAndBrowsers(t *testing.T) {
	for status, retry := range map[int]string{http.StatusServiceUnavailable: "5", http.StatusBadGateway: "5", http.StatusNotFound: ""} {
		w := httptest.NewRecorder()
		Refuse(w, status, wire.ReasonCluster, "the cluster is full")
		h := w.Header()
		if w.Code != status || h.Get("Retry-After") != retry || h.Get(wire.HeaderReason) != wire.ReasonCluster || h.Get("Cache-Control") != "no-store" ||
			h.Get("Access-Control-Allow-Origin") != "*" || w.Body.String() != `{"error":"the cluster is full","reason":"`+wire.ReasonCluster+`"}`+"\n" {
			t.Errorf("%d %v %s", w.Code, h, w.Body)
		}
	}
}
