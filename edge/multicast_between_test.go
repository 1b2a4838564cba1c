package edge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"tandem/internal/wire"
)

// A man in the network between the origin and its group flips bits, plays back what he
// heard, lets datagrams overtake each other and puts the head of one before another's
// body: the members hold the origin's bytes, and count him.
func TestAManInTheGroupChangesNothing(t *testing.T) {
	o := newGroupOrigin(t)
	_, edges := startRingOf(t, 2, o.testOrigin, func(int) Config { return o.config(nil) })
	hears(t, edges...)
	var heard [][]byte // owned by the one object's sender
	o.between = func(b []byte) [][]byte {
		heard = append(heard, b)
		n := len(heard)
		flipped := bytes.Clone(b)
		flipped[(37*n)%len(b)] ^= 1 << (n % 8)
		switch n % 4 {
		case 0:
			before := heard[n-2]
			swapped := append(bytes.Clone(before[:21]), b[21:]...)
			return [][]byte{b, before, swapped, flipped} // the one before comes late, and once more
		case 3:
			return [][]byte{flipped}
		}
		return [][]byte{flipped, b, b}
	}
	path := "/v/x/1.m4s"
	filler, other := fillerOf(edges, path)
	if _, body := get(t, filler.url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) {
		t.Fatalf("%d bytes", len(body))
	}
	for _, e := range []*testEdge{filler, other} {
		eventually(t, e.cfg.Name+" holds it", func() bool { return holds(t, e, path) })
		eventually(t, e.cfg.Name+" counts him", func() bool { return e.group.Counts.Foreign.Load() > 0 && e.group.Counts.Replayed.Load() > 0 })
	}
}

// Who repairs an object asks the other member for what is there alone. One that waited
// for what it is itself still without would wait for the one that asks.
func TestARepairWaitsForNothing(t *testing.T) {
	o, goOn := newOrigin(t), make(chan struct{})
	end := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(end)
	const there = segmentSize / 2
	path := "/v/x/1.m4s"
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		body := bodyOf(path, segmentSize)
		w.Header().Set("Content-Length", strconv.Itoa(segmentSize))
		w.Header().Set("Content-Type", "video/iso.segment")
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = w.Write(body[:there])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
			_, _ = w.Write(body[there:])
		case <-r.Context().Done():
		}
		return true
	})
	_, edges := startRing(t, 2, o)
	e := edges[0]
	var under sync.WaitGroup
	under.Go(func() {
		if _, body := get(t, e.url+path); !bytes.Equal(body, bodyOf(path, segmentSize)) {
			t.Errorf("%d bytes", len(body))
		}
	})
	defer under.Wait()
	eventually(t, "half of it has come", func() bool {
		v, ok := e.store.Growing(path)
		if !ok {
			return false
		}
		defer v.Close()
		return v.Available() == there
	})
	for _, row := range []struct{ first, last, status int }{
		{0, there - 1, http.StatusPartialContent},
		{there - 1, there, http.StatusNotFound},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+wire.PathObject+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		header := append(asNode(), wire.HeaderPair, "1", wire.HeaderCached, "1", "Range", fmt.Sprintf("bytes=%d-%d", row.first, row.last))
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		if cancel(); err != nil || resp.StatusCode != row.status {
			t.Errorf("%d-%d: %v, %v", row.first, row.last, resp, err)
		}
	}
	end()
}
