package upstream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

// A server that hangs costs one viewer a moment, and those behind it nothing.
func TestServerThatHangsIsPassedBy(t *testing.T) {
	good, _ := saying(t, 200, "good")
	bad, asked := hanging(t)
	u := of(bad, good)
	u.Next = wire.Span(30 * time.Millisecond)
	x := newUnder(t, nil, u)
	for range 5 {
		x.says("/x", "good")
	}
	if asked.Load() != 1 || x.tries(bad, "late") != 1 {
		t.Errorf("asked %d times, late %d times", asked.Load(), x.tries(bad, "late"))
	}
	if !strings.Contains(x.log.String(), "the origin is down") || strings.Count(x.log.String(), "\n") != 1 {
		t.Errorf("log: %s", x.log)
	}
	x.clock.advance(2 * time.Second) // it may prove itself, once
	for range 5 {
		x.says("/x", "good")
	}
	for end := time.Now().Add(5 * time.Second); asked.Load() < 2 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // it counts what it has read, which nobody waited for
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestServerThatIsWellAgainIsAskedFirst(t *testing.T) {
	second, _ := saying(t, 200, "second")
	var ill atomic.Bool
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ill.Load() {
			w.WriteHeader(500)
		}
		_, _ = io.WriteString(w, "first")
	}))
	defer first.Close()
	x := newUnder(t, nil, of(first.URL, second))
	x.says("/x", "first")
	ill.Store(true)
	for range softFailures + 2 {
		x.says("/x", "second")
	}
	if n := x.tries(first.URL, "failing"); n != softFailures {
		t.Errorf("failed %d times before it was left alone", n)
	}
	ill.Store(false)
	x.says("/x", "second")
	x.clock.advance(firstBackoff)
	x.says("/x", "first")
	x.says("/x", "first")
	if n := strings.Count(x.log.String(), "\n"); n != 2 || !strings.Contains(x.log.String(), "answers again") {
		t.Errorf("log: %s", x.log)
	}
}

// Of many requests at the moment when a server may prove itself one does.
// What operators are told: an upstream is out while no server of it answers, and for as
// long as the last failure tells anything.
func TestAnUpstreamIsOutWhileNoServerOfItAnswers(t *testing.T) {
	var ill atomic.Bool
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ill.Load() {
			w.WriteHeader(500)
		}
	})
	first, second := httptest.NewServer(handler), httptest.NewServer(handler)
	defer first.Close()
	defer second.Close()
	x := newUnder(t, nil, of(first.URL, second.URL))
	out := func(when string, want ...string) {
		t.Helper()
		if got := x.Out(); !slices.Equal(got, want) {
			t.Errorf("%s: %q is out, want %q", when, got, want)
		}
	}
	x.says("/x", "")
	out("well")
	ill.Store(true)
	for range softFailures {
		_, _, _ = x.get("/x")
	}
	out("both fail", first.URL+", "+second.URL)
	ill.Store(false)
	x.clock.advance(2 * time.Second)
	_, _, _ = x.get("/x")
	out("one is back")
	ill.Store(true)
	for range softFailures {
		_, _, _ = x.get("/x")
	}
	out("both fail again", first.URL+", "+second.URL)
	x.clock.advance(mostBackoff + lately)
	out("nobody has asked since")
}

func TestOneRequestProbes(t *testing.T) {
	var h health
	now := time.Unix(1e9, 0)
	h.fail(now, true)
	if h.take(now) != ailing {
		t.Error("it is asked first at once")
	}
	now = now.Add(firstBackoff)
	if a, b := h.take(now), h.take(now); a != probing || b != ailing {
		t.Error(a, b)
	}
	for range 10 {
		h.fail(now, true)
	}
	if now = now.Add(mostBackoff); h.take(now) != probing {
		t.Error("it is never asked again")
	}
	if !h.succeed() || h.take(now) != fine || h.succeed() {
		t.Error("it is not well")
	}
}

func TestBackupIsAskedOnlyWhenNoOtherIsWell(t *testing.T) {
	backup, asked := saying(t, 200, "backup")
	first, _ := saying(t, 200, "first")
	u := of(backup, first)
	u.Servers[0].Backup = true
	x := newUnder(t, nil, u)
	for range 3 {
		x.says("/x", "first")
	}
	if asked.Load() != 0 {
		t.Error("the backup was asked")
	}
	u = of(backup, refusing(t))
	u.Servers[0].Backup = true
	if err := x.Set([]wire.Upstream{u}); err != nil {
		t.Fatal(err)
	}
	x.says("/x", "backup")
}
