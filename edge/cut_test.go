package edge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/edge/rules"
	"tandem/segstore"
)

// here puts an object into one edge's store alone: nobody is told of it. Its body begins,
// and goes on when goOn is closed.
func here(t *testing.T, e *testEdge, path, tag string, body []byte, goOn <-chan struct{}) {
	t.Helper()
	now := time.Now()
	m := segstore.Meta{Status: http.StatusOK, ContentType: "video/mp4", ETag: tag, Size: int64(len(body)), Stored: now, Fresh: now.Add(time.Minute)}
	view, _, err := e.store.Get(context.Background(), path, func(_ context.Context, sink *segstore.Sink) error {
		if err := sink.Begin(m); err != nil {
			return err
		}
		_, _ = sink.Write(body[:len(body)-50])
		<-goOn
		_, err := sink.Write(body[len(body)-50:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-goOn:
		err = wholeBody(t.Context(), view)
	default:
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(view.Close)
}

// What is missed at one member, a part or the whole, is asked of the other one before the
// origin, whichever of them fills; it has it, or it is coming.
func TestMissIsAskedOfThePartnerFirst(t *testing.T) {
	o := newBigOrigin(t)
	_, edges := startRing(t, 2, o.testOrigin)
	const size, at = 2*rules.SliceSize + 100, rules.SliceSize - 5
	part, last := []string{"Range", fmt.Sprintf("bytes=%d-%d", at, at+9)}, []string{"Range", fmt.Sprintf("bytes=%d-", size-10)}
	for _, c := range []struct {
		what, tag  string
		asked      []string
		first, end int
		coming     bool
	}{
		{"a part of what is there", `"v0"`, part, at, at + 10, false},
		{"a part of what is there, by a validator of ours", rules.MadeTag(""), part, at, at + 10, false},
		{"a part of what comes", `"v0"`, part, at, at + 10, true},
		{"the last part", `"v0"`, last, size - 10, size, false},
		{"the whole of what is there", `"v0"`, nil, 0, size, false},
		{"the whole of what comes", `"v0"`, nil, 0, size, true},
	} {
		for i := range 4 { // of which each member fills about half
			path := fmt.Sprintf("/v/x/%d/%s", i, strings.ReplaceAll(c.what, " ", "/"))
			want, goOn := bodyOf(path, size), make(chan struct{})
			if !c.coming {
				close(goOn)
			}
			here(t, edges[0], path, c.tag, want, goOn)
			req := httptest.NewRequest(http.MethodGet, edges[1].url+path, nil)
			req.RequestURI = ""
			for n, fields := 0, append(asNode(), c.asked...); n+1 < len(fields); n += 2 {
				req.Header.Set(fields[n], fields[n+1])
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if c.coming {
				close(goOn)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || !bytes.Equal(body, want[c.first:c.end]) || resp.Header.Get("ETag") != c.tag || (resp.StatusCode == http.StatusPartialContent) != (c.asked != nil) {
				t.Errorf("%s: %s, %d bytes, %v, %v", c.what, resp.Status, len(body), err, resp.Header)
			}
			if asked := o.asks(); len(asked) != 0 {
				t.Errorf("%s: the origin was asked %q", c.what, asked)
			}
		}
	}
}
