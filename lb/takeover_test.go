package lb

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// of are the lines with that message.
func (l *lines) of(message string) (found []map[string]any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.buf.Bytes()) {
		var fields map[string]any
		if json.Unmarshal(line, &fields) == nil && fields["message"] == message {
			found = append(found, fields)
		}
	}
	return found
}

func TestATakeoverIsLoggedOnce(t *testing.T) {
	var log lines
	logger := zerolog.New(&log)
	c := newStage(t, stageOptions{edges: 3, capacity: 8, log: &logger})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	pair, _ := c.lb.Placement().Pair(1)
	c.member(pair.Low).Close()
	path := c.token(wire.SessionID{Pair: 1}, "/film/", time.Now().Add(time.Hour)) + "/film/a.m4s"
	if resp, body := c.viewer(nil, path); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Status, body)
	}
	found := log.of("takeover")
	if len(found) != 1 || found[0]["from"] != pair.Low || found[0]["to"] != pair.High || found[0]["ok"] != true {
		t.Fatalf("%d lines: %v", len(found), found)
	}
	var history []wire.Event
	c.api(http.MethodGet, "/history", nil, http.StatusOK, &history)
	if n := len(slices.DeleteFunc(history, func(e wire.Event) bool { return e.Kind != "takeover" })); n != 1 {
		t.Fatalf("%d events", n)
	}
	until(t, "declared dead", func() bool { return c.state(pair.Low) == wire.EdgeDown })
	var receipts []wire.Receipt
	until(t, "told", func() bool {
		c.api(http.MethodGet, "/receipts", nil, http.StatusOK, &receipts)
		return len(receipts) == 1 && receipts[0].Finished > 0
	})
	if receipts[0].Finished != 1 || receipts[0].Broken != 0 {
		t.Fatalf("%+v", receipts)
	}
}
