package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tandem/edge/rules"
)

// An origin that says nothing of a version but when it was changed, long before it answers,
// is asked for slices as well; for the rest of one that breaks off by that date.
func TestADateIsAValidatorOfSlices(t *testing.T) {
	o := newBigOrigin(t)
	e := startEdge(t, Config{Origin: o.URL})
	want, asked := bodyOf("/dated.mp40", bigSize), "bytes=5-"+fmt.Sprint(2*rules.SliceSize)
	resp, body := get(t, e.url+"/dated.mp4", "Range", asked)
	if resp.StatusCode != 206 || !bytes.Equal(body, want[5:2*rules.SliceSize+1]) || o.sent.Load() > 3*rules.SliceSize {
		t.Fatalf("%s, %d bytes; the origin sent %d", resp.Status, len(body), o.sent.Load())
	}
	for _, asked := range o.asks() {
		if !strings.HasPrefix(asked, "GET bytes=") {
			t.Errorf("the origin was asked %q", asked)
		}
	}
	for _, c := range []struct {
		condition string
		status    int
	}{{resp.Header.Get("ETag"), 206}, {"Thu, 01 Jan 2026 00:00:00 GMT", 206}, {`"other"`, 200}} {
		if resp, _ := get(t, e.url+"/dated.mp4", "Range", "bytes=5-9", "If-Range", c.condition); resp.StatusCode != c.status {
			t.Errorf("If-Range %s: %s", c.condition, resp.Status)
		}
	}
	for _, path := range []string{"/dated/cut.mp4", "/dated/cut-w.mp4"} { // some give a weak one as well
		o.asks()
		if _, body := get(t, e.url+path, "Range", "bytes=5-9000"); !bytes.Equal(body, bodyOf(path+"0", bigSize)[5:9001]) {
			t.Errorf("what broke off: %d bytes", len(body))
		}
		if asked := o.asks(); len(asked) != 2 || asked[1] != fmt.Sprintf("GET bytes=%d-%d", cutAt, rules.SliceSize-1) {
			t.Errorf("for what broke off: %q", asked)
		}
	}
	get(t, e.url+"/dated/two.mp4", "Range", "bytes=5-9")
	o.version.Store(1)
	if _, _, err := wholly(e.url+"/dated/two.mp4", asked); err == nil {
		t.Error("slices of two dates were put together")
	}
}

const cutAt = 5000

// cutWriter is one whose connection breaks.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if c.left -= len(b); c.left >= 0 {
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:len(b)+c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// wholly asks for a range, and reads it.
func wholly(url, asked string) (*http.Response, []byte, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Range", asked)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// holdWholes lets the origin answer with nothing whole until release.
func holdWholes(o *bigOrigin) (release func()) {
	held := make(chan struct{})
	first := o.answers()
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") == "" && r.Method == http.MethodGet {
			<-held
		}
		return first(w, r)
	})
	return sync.OnceFunc(func() { close(held) })
}

// Parts that show no version can't be put together: a viewer who would wait long for the whole
// gets the origin's own, and the whole is got beside.
func TestWhoWouldWaitLongForTheWholeGetsTheOriginsPart(t *testing.T) {
	o := newBigOrigin(t)
	release := holdWholes(o)
	defer release()
	e := startEdge(t, Config{Origin: o.URL})
	want := bodyOf("/weak/1.mp40", bigSize)
	for _, c := range []struct {
		asked       string
		first, last int
	}{{"bytes=5000000-5000009", 5000000, 5000009}, {"bytes=-7", bigSize - 7, bigSize - 1}, {"bytes=5000005-", 5000005, bigSize - 1}} {
		resp, body := get(t, e.url+"/weak/1.mp4", "Range", c.asked)
		if resp.StatusCode != 206 || !bytes.Equal(body, want[c.first:c.last+1]) {
			t.Errorf("%s: %s, %d bytes", c.asked, resp.Status, len(body))
		}
	}
	release()
	eventually(t, "the whole is here", func() bool { return e.store.Has("/weak/1.mp4") })
	asked := strings.Join(o.asks(), ", ")
	if asked != "GET bytes=4194304-5242879, GET bytes=5000000-5000009, GET bytes=-7, GET bytes=5000005-, GET " {
		t.Errorf("the origin was asked %s", asked)
	}
	if resp, body := get(t, e.url+"/weak/1.mp4", "Range", "bytes=9-5000000"); resp.StatusCode != 206 || !bytes.Equal(body, want[9:5000001]) || len(o.asks()) > 0 {
		t.Errorf("then: %s, %d bytes", resp.Status, len(body))
	}
}

// Either member of a pair is told so by the one that asks the origin.
func TestWhoWouldWaitLongAtEitherMember(t *testing.T) {
	o := newBigOrigin(t)
	release := holdWholes(o)
	_, edges := startRing(t, 2, o.testOrigin)
	defer release()
	want := bodyOf("/v/x/weak.mp40", bigSize)
	for _, e := range edges {
		if resp, body := get(t, e.url+"/v/x/weak.mp4", append(asNode(), "Range", "bytes=5000000-5000009")...); resp.StatusCode != 206 || !bytes.Equal(body, want[5000000:5000010]) {
			t.Errorf("%s: %s, %d bytes", e.cfg.Name, resp.Status, len(body))
		}
	}
	if asked := o.asks(); strings.Count(strings.Join(asked, "|"), "GET bytes=5000000-5000009") != 2 {
		t.Errorf("the origin was asked %q", asked)
	}
}
