package edge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"tandem/edge/fetch"

	"tandem/internal/wire"
)

// sentBy is what all of them have sent, in bytes.
func sentBy(edges []*testEdge) (sent int64) {
	for _, e := range edges {
		sent += e.counts.sentBytes.Load()
	}
	return sent
}

// Claim 7: the filler's request names the other member, and the origin sends it
// the second copy.
func TestTheOriginSendsTheSecondCopyToThePartner(t *testing.T) {
	o := newOrigin(t)
	var pushed atomic.Int64
	var under sync.WaitGroup
	t.Cleanup(under.Wait)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		path := r.URL.Path
		body := bodyOf(path, segmentSize)
		digest := sha256.Sum256(body)
		etag, pair := `"`+hex.EncodeToString(digest[:8])+`"`, r.Header.Get(wire.HeaderPair)
		w.Header()["Etag"], w.Header()["Content-Type"] = []string{etag}, []string{"video/iso.segment"}
		w.Header().Set("X-Once", "the second copy comes without")
		if to := r.Header.Get(wire.HeaderDest); to != "" && testSecret().Authorised(r) {
			w.Header().Set(wire.HeaderDest, to)
			under.Go(func() {
				pushed.Add(1)
				resp, _ := do(t, http.MethodPut, to+wire.PathObject+path, bytes.NewReader(body), append(asNode(), wire.HeaderPair, pair,
					wire.HeaderDigest, hex.EncodeToString(digest[:]), "ETag", etag, "Content-Type", "video/iso.segment", "Cache-Control", "max-age=600")...)
				if resp.StatusCode != http.StatusNoContent {
					t.Errorf("the partner answers %s", resp.Status)
				}
			})
		}
		_, _ = w.Write(body)
		return true
	})
	_, edges := startRingOf(t, 3, o, func(int) Config { return Config{Duplication: fetch.DuplicateOrigin} })
	const objects = 10
	for n := range objects {
		path := fmt.Sprintf("/v/x/%d.m4s", n)
		filler, other := fillerOf(edges, path)
		before := filler.counts.sentBytes.Load()
		if resp, body := get(t, filler.url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) || resp.Header.Get("X-Once") != "" {
			t.Fatalf("%d bytes of %s, %v", len(body), path, resp.Header)
		}
		eventually(t, "the partner holds "+path, func() bool { return other.store.Has(path) })
		if _, body := get(t, other.url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) {
			t.Errorf("%d bytes of %s at the partner", len(body), path)
		}
		eventually(t, "both answers are counted", func() bool { return sentBy(edges) >= 2*int64(n+1)*segmentSize })
		if sent := filler.counts.sentBytes.Load() - before; sent != segmentSize {
			t.Errorf("the filler sent %d bytes of %s: to its viewer, and to whom else?", sent, path)
		}
		if n := o.count(path); n != 1 {
			t.Errorf("the origin was asked %d times for %s", n, path)
		}
	}
	if pushed.Load() != objects {
		t.Errorf("%d objects pushed", pushed.Load())
	}
	for _, e := range edges {
		if n := e.fetch.Counts.Hinted.Load(); n != 0 {
			t.Errorf("%s told of %d objects", e.cfg.Name, n)
		}
		if err := e.Check(); err != nil {
			t.Error(err)
		}
	}
	if n := edges[2].store.Stats().Objects; n != 0 {
		t.Errorf("the edge of another pair holds %d objects", n)
	}
}

// An origin that knows nothing of destinations: the second copy is made all the
// same.
func TestAnOriginThatOnlyAnswersIsEnough(t *testing.T) {
	for _, by := range []string{fetch.DuplicateOrigin, fetch.DuplicateMulticast} {
		t.Run(by, func(t *testing.T) {
			o := newOrigin(t)
			_, edges := startRingOf(t, 2, o, func(int) Config {
				return Config{Listen: "127.0.0.1:0", Duplication: by, MulticastGroup: "239.255.77.4:9"}
			})
			if by == fetch.DuplicateMulticast {
				hears(t, edges...)
			}
			path := "/v/x/1.m4s"
			filler, other := fillerOf(edges, path)
			if _, body := get(t, filler.url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) {
				t.Fatalf("%d bytes", len(body))
			}
			eventually(t, "copied", func() bool { return other.store.Has(path) })
			if n := o.count(path); n != 1 {
				t.Errorf("the origin was asked %d times", n)
			}
		})
	}
}

func TestTheGroupIsCheckedAtTheStart(t *testing.T) {
	for group, good := range map[string]bool{"239.1.2.3:5000": true, "": false, "239.1.2.3": false, "239.1.2.3:0": false, "192.0.2.1:5000": false, "[ff02::1]:5000": false, "name:1": false} {
		c := Config{Name: "e", Data: "d", Origin: "http://127.0.0.1:1", Duplication: fetch.DuplicateMulticast, MulticastGroup: group}
		if err := c.Validate(); (err == nil) != good {
			t.Errorf("%q: %v", group, err)
		}
	}
}
