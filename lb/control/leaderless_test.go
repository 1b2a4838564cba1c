package control

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// A balancer that waits to be let in says what the others wait for, and the next step.
func TestWhoWaitsForALeaderSaysSo(t *testing.T) {
	var log bytes.Buffer
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = io.WriteString(w, `{"name":"","http":"","admin":"","raft":""}`)
	}))
	defer other.Close()
	secret, err := wire.NewSecret("Zq8w2mR5tYc1vB9kLx4hNd7gJp3sFa6e")
	if err != nil {
		t.Fatal(err)
	}
	c := &Control{deps: Deps{Call: call.NewClient("lb-2", secret, nil), Logger: zerolog.New(&log)}}
	if c.join(t.Context(), other.URL, true) {
		t.Error("it has joined")
	}
	if text := log.String(); !strings.Contains(text, "no majority of the balancers is there") || !strings.Contains(text, "tandem cluster recover") || strings.Contains(text, "421") {
		t.Error(text)
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
