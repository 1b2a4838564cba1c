package lb

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

const steerMaster = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"

var steerPublic = map[string]string{"edge-1": "https://e1.example", "edge-2": "https://e2.example"}

// steerStage is a stage whose players of /film/ are steered; film is a session's prefix.
func steerStage(t *testing.T) (c *stage, film string) {
	t.Helper()
	c = newStage(t, stageOptions{edges: 2, capacity: 8, config: func(cfg *Config) {
		cfg.steer.Streams, cfg.steer.Fronts = []string{"/film/"}, []string{"https://lb.example"}
	}})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/film/", Pair: 1})
	c.propose(placement.Command{Kind: placement.Place, Stream: "/news/", Pair: 1})
	for _, m := range c.members {
		m.locked(func() {
			m.says = map[string]string{"/film/master.m3u8": steerMaster, "/news/master.m3u8": steerMaster, "/film/m.mpd": `<MPD type="static"><Period/></MPD>`}
		})
	}
	film = c.token(wire.SessionID{Pair: 1}, "/film/", time.Now().Add(time.Hour))
	if _, body := c.viewer(nil, film+"/film/master.m3u8"); string(body) != steerMaster {
		t.Fatalf("no edge has an address for viewers: %s", body)
	}
	for name, url := range steerPublic {
		m := c.member(name)
		m.edge.Public = url
		c.node(http.MethodPost, wire.PathRegister, wire.Register{Edge: m.edge}, http.StatusOK, nil)
	}
	return c, film
}

// Players of a steered stream are told both edges of their pair in the entry; what is
// carried for them, and others' streams, stay as they are.
func TestEntriesTellWhichEdgesToFetchFrom(t *testing.T) {
	c, film := steerStage(t)
	pair, _ := c.lb.Placement().Pair(1)
	resp, body := c.viewer(nil, film+"/film/master.m3u8", "Accept-Encoding", "gzip", "Range", "bytes=0-", "If-None-Match", `"x"`)
	want := strings.Replace(steerMaster, "\n", "\n#EXT-X-CONTENT-STEERING:SERVER-URI=\""+film+"\",PATHWAY-ID=\""+pair.Low+"\"\n", 1)
	for _, e := range []string{pair.Low, pair.High} {
		want += "#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"" + e + "\"\n" + steerPublic[e] + film + "/film/v.m3u8\n"
	}
	if string(body) != want || resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "private, no-cache" || resp.Header.Get("Server-Timing") == "" {
		t.Errorf("%s %v\n%s\nwant\n%s", resp.Status, resp.Header, body, want)
	}
	tag := resp.Header.Get("ETag")
	if resp, body := c.viewer(nil, film+"/film/master.m3u8", "If-None-Match", tag); resp.StatusCode != http.StatusNotModified || len(body) > 0 {
		t.Errorf("what the player has already: %s %s", resp.Status, body)
	}
	if resp, _ := c.request(c.person(), http.MethodHead, c.url+film+"/film/master.m3u8", nil); resp.ContentLength != int64(len(want)) || resp.Header.Get("ETag") != tag {
		t.Errorf("its head: %v", resp.Header)
	}
	base := `<BaseURL serviceLocation="` + pair.Low + `">` + steerPublic[pair.Low] + film + `/film/</BaseURL>`
	if _, body := c.viewer(nil, film+"/film/m.mpd"); !strings.Contains(string(body), base) || !strings.Contains(string(body), ">https://lb.example"+film+"</ContentSteering>") {
		t.Errorf("%s", body)
	}
	news := c.token(wire.SessionID{Pair: 1}, "/news/", time.Now().Add(time.Hour))
	for target, want := range map[string]string{film + "/film/v.m3u8": "object /film/v.m3u8", film + "/film/a.m4s": "object /film/a.m4s", film + "/film/k": "object /film/k", news + "/news/master.m3u8": steerMaster} {
		if resp, body := c.viewer(nil, target); string(body) != want || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", target, resp.Status, body)
		}
	}
	if resp, body := c.viewer(nil, film+"/film/k", "Range", "bytes=0-5"); resp.StatusCode != http.StatusPartialContent || string(body) != "object" {
		t.Errorf("a part of what is no entry: %s %s", resp.Status, body)
	}
	if n := c.lb.counts.steered.load(); n != 4 {
		t.Errorf("tandem_lb_steered_total is %d, want 4", n)
	}
}

// As often as they ask, players are told which way is the best one: by the placement
// that requests are routed by.
func TestPlayersAreToldTheBestEdgeOfNow(t *testing.T) {
	c, film := steerStage(t)
	pair, _ := c.lb.Placement().Pair(1)
	first, second := pair.Low, pair.High
	list := func() (ids string) {
		resp, body := c.viewer(nil, film+"?_HLS_pathway=%22"+first+"%22&_HLS_throughput=1000")
		var said struct {
			Version  int      `json:"VERSION"`
			TTL      int      `json:"TTL"`
			Priority []string `json:"PATHWAY-PRIORITY"`
		}
		if err := json.Unmarshal(body, &said); err != nil || said.Version != 1 || said.TTL != 5 || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Fatalf("%s %v %s %v", resp.Status, resp.Header, body, err)
		}
		return strings.Join(said.Priority, " ")
	}
	if got, want := list(), first+" "+second+" . front-1"; got != want {
		t.Errorf("the list is %q, want %q", got, want)
	}
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: first, Incarnation: 1})
	if got, want := list(), second+" . front-1 "+first; got != want {
		t.Errorf("with %s dead the list is %q, want %q", first, got, want)
	}
	if _, body := c.viewer(nil, film+"/film/master.m3u8"); !strings.Contains(string(body), `PATHWAY-ID="`+second+"\"\n#EXT-X-STREAM-INF") {
		t.Errorf("who begins now is sent to the dead one:\n%s", body)
	}
	c.propose(placement.Command{Kind: placement.EdgeDown, Name: second, Incarnation: 1})
	if got, want := list(), ". front-1 "+first+" "+second; got != want {
		t.Errorf("with both dead the list is %q, want %q", got, want)
	}
	if resp, _ := c.viewer(nil, c.token(wire.SessionID{Pair: 1}, "/film/", time.Now().Add(-time.Hour))); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a session that has expired: %s", resp.Status)
	}
	if n := c.lb.counts.lists.load(); n != 3 {
		t.Errorf("tandem_lb_steering_lists_total is %d, want 3", n)
	}
}
