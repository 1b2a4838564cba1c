package steering

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/wire"
)

const master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"

func long(begin string, n int) string { return begin + strings.Repeat(" ", n-len(begin)) }

// answered are what serve may give, and what becomes of it.
var answered = []struct {
	name, method, body string
	status             int
	header             []string
	steered, early     bool // early: it began to go out before it was whole
}{
	{name: "an entry", body: master, steered: true},
	{name: "its head", method: http.MethodHead, body: master, steered: true},
	{name: "of the largest size", body: long(master, maxEntry), steered: true},
	{name: "too large, and says so", body: long(master, maxEntry+1), header: []string{"Content-Length", strconv.Itoa(maxEntry + 1)}, early: true},
	{name: "too large, and does not say so", body: long(master, maxEntry+1), early: true},
	{name: "the head of one that is too large", method: http.MethodHead, body: long(master, maxEntry+1), early: true},
	{name: "nothing but a comment for long", body: long("<!-- ", maxUndecided+1), early: true},
	{name: "a picture", body: "\x89PNG", early: true},
	{name: "a list of segments", body: "#EXTM3U\n#EXTINF:1,\n1.ts\n"},
	{name: "an error", body: master, status: http.StatusBadGateway, early: true},
	{name: "compressed, though nobody asked for that", body: master, header: []string{"Content-Encoding", "gzip"}, early: true},
}

// What is no entry, or is too large for one, goes out as it comes and whole; what is one
// is held until it is there.
func TestOnlyEntriesAreHeld(t *testing.T) {
	pair := wire.Pair{ID: 1, Low: "e1", High: "e2", Slots: 8, Boundary: 4, Home: 4}
	p := (&wire.Placement{
		Edges: []wire.Edge{{Name: "e1", State: wire.EdgeUp, Public: "http://e1"}, {Name: "e2", State: wire.EdgeUp, Public: "http://e2"}},
		Pairs: []wire.Pair{pair},
	}).Index()
	s := Session{Token: "TOK", Placement: p, Pair: &pair, Suspected: func(string) bool { return false }}
	for _, row := range answered {
		method := row.method
		if method == "" {
			method = http.MethodGet
		}
		r := httptest.NewRequest(method, "/s/TOK/m.m3u8", nil)
		w := httptest.NewRecorder()
		out := &counted{ResponseWriter: w}
		early := false
		var c Config
		_, _, steered := c.Entry(out, r, s, func(w http.ResponseWriter, r *http.Request) (int, int64) {
			if r.Method != http.MethodGet {
				t.Errorf("%s: asked by %s", row.name, r.Method)
			}
			for i := 0; i+1 < len(row.header); i += 2 {
				w.Header().Set(row.header[i], row.header[i+1])
			}
			status := max(row.status, http.StatusOK)
			w.WriteHeader(status)
			for at := 0; at < len(row.body); at += 32 << 10 {
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Errorf("%s: %v", row.name, err)
				}
				if n, err := io.WriteString(w, row.body[at:min(at+32<<10, len(row.body))]); err != nil || n == 0 {
					t.Errorf("%s: %d %v", row.name, n, err)
				}
			}
			early = out.begun
			return status, int64(len(row.body))
		})
		if steered != row.steered || early != row.early {
			t.Errorf("%s: steered %v, want %v; early %v, want %v", row.name, steered, row.steered, early, row.early)
		}
		got := w.Body.String()
		switch {
		case row.method == http.MethodHead:
			if got != "" {
				t.Errorf("%s: has a body", row.name)
			}
		case row.steered != strings.Contains(got, "PATHWAY-ID"), !row.steered && got != row.body, w.Code != max(row.status, http.StatusOK):
			t.Errorf("%s: %d, %d bytes: %.100q", row.name, w.Code, len(got), got)
		}
	}
}

// counted tells that an answer has begun.
type counted struct {
	http.ResponseWriter
	begun bool
}

func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counted) WriteHeader(status int) {
	c.begun = true
	c.ResponseWriter.WriteHeader(status)
}
