package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/edge/manifest"
	"tandem/internal/wire"
)

// dial connects, and asks for something where text says so.
func dial(t *testing.T, e *testEdge, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, text)
	return conn
}

// Viewers that fill an edge keep no balancer and no neighbour out.
func TestAFullEdgeLetsNodesIn(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRingOf(t, 2, o, func(int) Config { return Config{MaxPerClient: 30, Capacity: 20} })
	e := edges[0]
	const asks = "GET /v/x/1.m4s HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n"
	for i := range 40 {
		dial(t, e, asks+"\r\n")
		if i >= 30 {
			continue
		}
		eventually(t, fmt.Sprint(i+1, " are in"), func() bool { return metricOf(t, e, "tandem_edge_connections") >= float64(min(i+1, 30)) })
	}
	bearer := testSecret().Bearer()
	conn := dial(t, e, asks+wire.HeaderAuth+": "+bearer+"\r\n"+wire.HeaderFrom+": lb-1\r\n\r\n")
	begin := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, begin); err != nil || string(begin) != "HTTP/1.1 200" {
		t.Fatalf("a balancer's request: %q, %v", begin, err)
	}
	if _, reason := open(t, e, 1, "/v/x/"); reason != "" {
		t.Fatal(reason)
	}
	if n := metricOf(t, e, "tandem_edge_slow_clients_total"); n != 0 {
		t.Errorf("%v are slow", n)
	}
	eventually(t, "strangers are counted", func() bool { return metricOf(t, e, "tandem_edge_connections_refused_total") >= 10 })
}

// TestLargeManifestsWaitForRoomAndAreRefusedInTheEnd: however they come, from an
// origin that says how long they are or does not, for the store or for one viewer.
func TestLargeManifestsWaitForRoomAndAreRefusedInTheEnd(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		list := listOf(o.URL)
		if !strings.Contains(r.URL.Path, "small") {
			list += strings.Repeat("#\n", manifest.Small)
		}
		w.Header().Set("Cache-Control", "max-age=600")
		if strings.Contains(r.URL.Path, "no-store") {
			w.Header().Set("Cache-Control", "no-store")
		}
		if strings.Contains(r.URL.Path, "sized") {
			w.Header().Set("Content-Length", strconv.Itoa(len(list)))
		}
		if strings.Contains(r.URL.Path, "chunked") {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, list)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL, ManifestLimit: 1 << 20, forRoom: 30 * time.Millisecond})
	var leave []func()
	for range 2 {
		l, err := e.manifests.Enter(t.Context(), "", -1)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	paths := []string{"/v/sized.m3u8", "/v/chunked.m3u8", "/v/sized-no-store.m3u8", "/v/no-store.m3u8"}
	for _, path := range paths {
		resp, _ := get(t, e.url+path)
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get(wire.HeaderReason) != reasonBusy || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, %v", path, resp.Status, resp.Header)
		}
	}
	if n := metricOf(t, e, "tandem_edge_manifests_busy_total"); n != float64(len(paths)) {
		t.Errorf("%v are counted", n)
	}
	for _, path := range []string{"/v/small.m3u8", "/v/small-chunked.m3u8"} {
		if resp, _ := get(t, e.url+path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	leave[0]()
	for range 2 {
		for _, path := range paths {
			if resp, body := get(t, e.url+path); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "\n../v/x/2.m4s\n") {
				t.Errorf("%s: %s, %.200s", path, resp.Status, body)
			}
		}
	}
	for range 2 { // nobody keeps room
		l, err := e.manifests.Enter(t.Context(), "", 1<<19)
		if err != nil {
			t.Fatal(err)
		}
		defer l()
	}
}

// TestLiveListOfANeighbourWaitsForRoomToo as what is fetched does.
func TestLiveListOfANeighbourWaitsForRoomToo(t *testing.T) {
	_, edges := startRingOf(t, 2, newOrigin(t), func(int) Config { return Config{ManifestLimit: 1 << 20, forRoom: 30 * time.Millisecond} })
	e, list := edges[0], "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.m4s\n"+strings.Repeat("#\n", manifest.Small)
	digest := sha256.Sum256([]byte(list))
	put := func() int {
		resp, _ := do(t, http.MethodPut, e.url+wire.PathObject+"/v/x/a.m3u8", strings.NewReader(list), append(asNode(), wire.HeaderPair, "1", wire.HeaderVolatile, "1",
			wire.HeaderDigest, hex.EncodeToString(digest[:]), "ETag", `"1"`, "Content-Type", "application/vnd.apple.mpegurl", "Cache-Control", "max-age=1")...)
		return resp.StatusCode
	}
	leave, err := e.manifests.Enter(t.Context(), "", -1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := e.manifests.Enter(t.Context(), "", -1)
	if err != nil {
		t.Fatal(err)
	}
	if got := put(); got != http.StatusServiceUnavailable {
		t.Error(got)
	}
	other()
	for range 2 {
		if got := put(); got != http.StatusNoContent {
			t.Error(got, "where there is room")
		}
	}
	leave()
}

// An origin that dribbles large manifests keeps no other one waiting: what is not here
// takes no room.
func TestLargeManifestsThatDribbleKeepNoOtherWaiting(t *testing.T) {
	o, goOn, begun := newOrigin(t), make(chan struct{}), make(chan struct{}, 8)
	list := listOf(o.URL) + strings.Repeat("#\n", manifest.Small)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=600")
		if strings.Contains(r.URL.Path, "sized") {
			w.Header().Set("Content-Length", strconv.Itoa(len(list)))
		}
		rest := list
		if strings.Contains(r.URL.Path, "dribbles") {
			_, _ = io.WriteString(w, list[:manifest.Small+1000])
			w.(http.Flusher).Flush()
			begun <- struct{}{}
			<-goOn
			rest = list[manifest.Small+1000:]
		}
		_, _ = io.WriteString(w, rest)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL, ManifestLimit: 1 << 20, forRoom: 5 * time.Second})
	var all sync.WaitGroup
	ask := func(path string) {
		if resp, body := get(t, e.url+path); resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), ledBy("..")) || !strings.HasSuffix(string(body), "#\n#\n") {
			t.Errorf("%s: %s, %.200s", path, resp.Status, body)
		}
	}
	for i := range 4 {
		all.Go(func() { ask(fmt.Sprintf("/v/dribbles-%s%d.m3u8", []string{"sized", ""}[i%2], i)) })
	}
	for range 4 {
		<-begun
	}
	for _, path := range []string{"/v/sized.m3u8", "/v/other.m3u8"} {
		ask(path)
	}
	close(goOn)
	all.Wait()
}
