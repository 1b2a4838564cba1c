package manifest

import (
	"bytes"
	"strings"
	"testing"

	"tandem/segstore"
)

// TestLedBodyIsMadeOnceForAll: a playlist with a URI to lead in every other line, where
// what each viewer costs is what it is sent.
func TestLedBodyIsMadeOnceForAll(t *testing.T) {
	s := newStage(t, Config{Limit: 4 << 20, Memory: 16 << 20})
	body := []byte("#EXTM3U\n" + strings.Repeat("#EXTINF:2.000,\n/other/segment.ts\n", 50_000))
	s.put(t, "/a/list.m3u8", body, segstore.Meta{})
	e := s.of(t, "/a/list.m3u8", s.view(t, "/a/list.m3u8"))
	want := bytes.ReplaceAll(body, []byte("/other"), []byte("../other"))
	if up := e.Prefix("/s/TOKEN"); up != ".." || !bytes.Equal(e.Led(), want) {
		t.Fatalf("led with %q: %d bytes, want %d", up, len(e.Led()), len(want))
	}
	if e.cost() < e.Cost()+int64(len(want)) || s.Bytes() != e.cost() {
		t.Errorf("%d bytes are counted, %d of it are what it is led to", e.cost(), len(want))
	}
	if used := testing.AllocsPerRun(5, func() { _ = e.Led() }); used > 0 {
		t.Errorf("%v allocations a viewer", used)
	}
}

// TestLedBodyStaysWithinTheBudget: what would cost more than 4 times the size of a
// playlist is led on the way to each viewer, and to the same bytes; what takes the
// session's own prefix always.
func TestLedBodyStaysWithinTheBudget(t *testing.T) {
	s := newStage(t, Config{Limit: 4 << 20, Memory: 16 << 20})
	key := strings.Repeat("/v", 18) + "/list.m3u8"
	for _, c := range []struct{ key, body, prefix string }{
		{key, "#EXTM3U\n" + strings.Repeat("/\n", 100_000), strings.TrimSuffix(strings.Repeat("../", 18), "/")},
		{"/a/list.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/x/v.m3u8\n", "/s/TOKEN"},
		{"/a//list.m3u8", "#EXTM3U\n#EXTINF:2,\n/x/v.ts\n", "/s/TOKEN"},
	} {
		s.put(t, c.key, []byte(c.body), segstore.Meta{})
		e := s.of(t, c.key, s.view(t, c.key))
		if got := e.Prefix("/s/TOKEN"); e.Led() != nil || got != c.prefix || e.Varies() {
			t.Errorf("%s is led with %q, to %d bytes", c.key, got, len(e.Led()))
		}
	}
}

// TestPrologueOfAStoredDocumentIsPassedOver: what is read of the disk to tell what it is
// goes on where that takes more than its first bytes.
func TestPrologueOfAStoredDocumentIsPassedOver(t *testing.T) {
	s := newStage(t, Config{})
	for kib, want := range map[int]bool{0: true, 3: true, 4: true, 40: true, 63: true, 65: false} {
		key := "/" + strings.Repeat("x", kib+1)
		s.put(t, key, []byte("<!--"+strings.Repeat("#", kib<<10)+"--><MPD><BaseURL>/x/</BaseURL></MPD>"), segstore.Meta{ContentType: "text/plain"})
		if e := s.of(t, key, s.view(t, key)); (e.Manifest != nil) != want {
			t.Errorf("behind %d KiB: read %v", kib, e.Manifest != nil)
		}
	}
}
