package edge

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// inventory is what an edge says it holds of a pair.
func inventory(t *testing.T, e *testEdge, pair string) (keys []string) {
	t.Helper()
	_, body := get(t, e.url+wire.PathInventory+"?pair="+pair, asNode()...)
	for line := range strings.Lines(string(body)) {
		var it wire.Item
		if err := json.Unmarshal([]byte(line), &it); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if it.Key != "" {
			keys = append(keys, it.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// inSession is where an edge serves in a session of a pair.
func inSession(t *testing.T, e *testEdge, pair wire.PairID, stream string) string {
	t.Helper()
	id, reason := open(t, e, pair, stream)
	if reason != "" {
		t.Fatal(reason)
	}
	return e.url + "/s/" + tokenOf(id, stream)
}

func holders(edges []*testEdge, id wire.PairID) (low, high *testEdge) {
	q, _ := edges[0].view.Placement().Pair(id)
	for _, e := range edges {
		if e.cfg.Name == q.Low {
			low = e
		}
		if e.cfg.Name == q.High {
			high = e
		}
	}
	return low, high
}

// An object is the pair's whose session wanted it, whatever folder it lies in: the
// other member has it, and whoever comes into the pair is told of it. A hit of another
// pair's session, on a loop or not, makes it that one's as well.
func TestAnObjectIsThePairsThatWantedIt(t *testing.T) {
	o := newOrigin(t)
	b, edges := startRing(t, 3, o)
	b.place("/v/y/", 2)
	followed(t, b, edges...)
	const far, near = "/elsewhere/3.m4s", "/v/4.m4s"
	low, high := holders(edges, 1)
	first := inSession(t, low, 1, "/v/x/")
	for _, key := range []string{far, near} {
		if resp, _ := get(t, first+key); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	for _, e := range []*testEdge{low, high} {
		eventually(t, "both members tell it of the pair", func() bool {
			have := inventory(t, e, "1")
			return slices.Contains(have, far) && slices.Contains(have, near)
		})
		if got := inventory(t, e, "2"); slices.Contains(got, far) {
			t.Errorf("%s says it is pair 2's: %v", e.cfg.Name, got)
		}
	}
	again, other := holders(edges, 2)
	if !again.store.Has(far) {
		again, other = other, again
	}
	if !again.store.Has(far) {
		t.Fatal("pairs 1 and 2 have no member in common")
	}
	second := inSession(t, again, 2, "/v/y/")
	slow := httptest.NewServer(again.Handler())
	defer slow.Close()
	for url, key := range map[string]string{second: far, strings.Replace(second, again.url, slow.URL, 1): near} {
		if resp, _ := get(t, url+key); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
		for _, e := range []*testEdge{again, other} {
			eventually(t, "both members of the second pair tell it", func() bool { return slices.Contains(inventory(t, e, "2"), key) })
		}
	}
	if got := inventory(t, again, "1"); !slices.Contains(got, far) {
		t.Errorf("it is the first pair's no longer: %v", got)
	}
	if n := o.count(far); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	if streams := low.store.Streams(); streams["/v/x/"] == 0 {
		t.Errorf("nothing of the stream is held: %v", streams)
	}
}
