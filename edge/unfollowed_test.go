package edge

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// logLines keeps what is logged.
type logLines struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (s *logLines) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *logLines) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// An edge that no balancer takes in says why, after a while: not while a cluster starts.
func TestAnEdgeThatNobodyTakesInSaysWhy(t *testing.T) {
	cfg := startEdge(t, Config{Origin: newOrigin(t).URL, Balancers: []string{"http://127.0.0.1:1"}}).cfg
	cfg.Data, cfg.Balancers = t.TempDir(), []string{"http://127.0.0.1:1"}
	var out logLines
	began := time.Now()
	var mu sync.Mutex
	speed := time.Duration(1)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return began.Add(speed * time.Since(began))
	}
	e, err := New(cfg, Deps{Logger: zerolog.New(&out), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); _ = e.Run(ctx) }()
	eventually(t, "it has tried", func() bool { return e.member.Counts.Reports.Load() > 3 })
	if strings.Contains(out.text(), "no balancer can be followed") {
		t.Errorf("it is said at once: %s", out.text())
	}
	mu.Lock()
	speed = 40
	mu.Unlock()
	eventually(t, "it is said", func() bool {
		text := out.text()
		return strings.Contains(text, `"balancer":"http://127.0.0.1:1","message":"no balancer can be followed; trying the next"`) && strings.Contains(text, "connection refused")
	})
	stop()
	<-over
}

// One whose balancers are none says so at once, and which port is meant: operators' listener,
// another edge.
func TestAnEdgeThatCallsNoBalancerSaysSoAtOnce(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", status) }))
		t.Cleanup(other.Close)
		cfg := startEdge(t, Config{Origin: newOrigin(t).URL, Balancers: []string{"http://127.0.0.1:1"}}).cfg
		cfg.Data, cfg.Balancers = t.TempDir(), []string{other.URL}
		var out logLines
		e, err := New(cfg, Deps{Logger: zerolog.New(&out)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { defer close(over); _ = e.Run(ctx) }()
		eventually(t, "it is said", func() bool { return strings.Contains(out.text(), "no balancer answers there, see --balancers") })
		stop()
		<-over
	}
}
