package control

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

// A balancer whose line in peers says another address than it listens at has the others told
// the latter when none of them reaches it, and the line again when that is of no use either.
// Whoever is heard where the line says, by a network that leads on, is not touched.
func TestTheOthersAreToldWhereABalancerListens(t *testing.T) {
	const line, listens = "http://10.0.0.2:8080", "http://10.0.0.2:8090"
	not, hears := map[string]wire.Pong{"lb-1": {Gone: []string{"lb-2"}}}, map[string]wire.Pong{"lb-1": {}}
	for what, row := range map[string]struct {
		also string
		look map[string]wire.Pong
		want []string // where the others are told to call it, after 1, 3, 9 and 13 s
	}{
		"none reaches it":     {listens, not, []string{line, listens, listens, line}},
		"heard by the line":   {listens, hears, []string{line, line, line, line}},
		"listens where it is": {"", not, []string{line, line, line, line}},
	} {
		var log bytes.Buffer
		c := &Control{cfg: Config{Name: "lb-2"}, deps: Deps{Self: wire.Balancer{Name: "lb-2", HTTP: line, Raft: "10.0.0.2:7080"}, Elsewhere: wire.Balancer{HTTP: row.also, Raft: "10.0.0.2:7090"}, Logger: zerolog.New(&log)}, peers: newPeers()}
		begun := time.Unix(1000, 0)
		at := map[int]int{1: 0, 3: 1, 9: 2, 13: 3}
		for s := range 14 {
			now := begun.Add(time.Duration(s) * time.Second)
			c.peers.heard("lb-2", row.look, 7, 0, true, now)
			c.turn(now)
			i, ok := at[s]
			if raft := "10.0.0.2:7080"; ok && c.self().HTTP != row.want[i] || (c.self().Raft == raft) != (c.self().HTTP == line) {
				t.Errorf("%s: after %d s the others are told %+v", what, s, c.self())
			}
		}
		if told := strings.Count(log.String(), "none of the others reaches"); (told == 2) != (row.want[1] == listens) || told == 1 {
			t.Errorf("%s: %s", what, log.String())
		}
	}
}

// Who calls from another machine and says that it is to be reached at a loopback address is
// told so; and so is who would have to call the leader there.
func TestANodeOfAnotherMachineAtALoopbackAddress(t *testing.T) {
	const away = "192.0.2.7:40000"
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, wire.PathRegister, strings.NewReader(`{"edge":{"name":"edge-1","http":"http://127.0.0.1:8081"}}`))
	r.RemoteAddr = away
	(&Control{}).handleRegister(w, r)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "--advertise: http://127.0.0.1:8081") {
		t.Errorf("an edge: %d %s", w.Code, w.Body)
	}
	for want, row := range map[string]struct{ raft, http, own string }{
		"": {"10.0.0.2:7080", "http://10.0.0.2", "10.0.0.1:7080"}, "--raft-advertise: 127.0.0.1:7080": {"127.0.0.1:7080", "http://10.0.0.2", "10.0.0.1:7080"},
		"--advertise: http://localhost": {"10.0.0.2:7080", "http://localhost", "10.0.0.1:7080"}, "--raft-listen of lb-1": {"10.0.0.2:7080", "http://10.0.0.2", "127.0.0.1:7080"},
	} {
		if err := checkJoin(wire.Balancer{Raft: row.raft, HTTP: row.http}, away, wire.Balancer{Name: "lb-1", Raft: row.own}); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v", row, err)
		}
	}
}
