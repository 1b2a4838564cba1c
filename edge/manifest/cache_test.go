package manifest

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/segstore"
)

// stage is a cache over a store.
type stage struct {
	*Cache
	store *segstore.Store
}

func newStage(t *testing.T, cfg Config) *stage {
	t.Helper()
	store, err := segstore.Open(t.TempDir(), segstore.Options{MaxBytes: 1 << 30, MemoryBytes: 1 << 30, Now: time.Now, Logger: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	root, err := media.RootOf("http://o.example")
	if err != nil {
		t.Fatal(err)
	}
	o, err := media.NewOrigin(root)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Limit == 0 {
		cfg.Limit = 1 << 20
	}
	if cfg.Memory == 0 {
		cfg.Memory = 1 << 20
	}
	return &stage{New(cfg, Deps{Logger: zerolog.Nop(), Store: store, Origin: func(string) *media.Origin { return o }}), store}
}

// put stores an object; on disk, as what is not volatile is.
func (s *stage) put(t *testing.T, key string, body []byte, meta segstore.Meta) {
	t.Helper()
	meta.Size, meta.Status = int64(len(body)), http.StatusOK
	if meta.ETag == "" {
		meta.ETag = `"of ` + key + `"`
	}
	if meta.Stored.IsZero() {
		meta.Stored = time.Now()
	}
	if err := s.store.Put(key, meta, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) view(t *testing.T, key string) *segstore.View {
	t.Helper()
	view, ok := s.store.Peek(key)
	if !ok {
		t.Fatalf("%s is not stored", key)
	}
	t.Cleanup(func() { view.Close() })
	return view
}

// of is Of where there is room.
func (s *stage) of(t *testing.T, key string, view *segstore.View) *Entry {
	t.Helper()
	e, err := s.Of(key, view)
	if err != nil {
		t.Error(err)
		return &Entry{}
	}
	return e
}

const plain = "#EXTM3U\n#EXTINF:2,\n/1.ts\n#EXT-X-ENDLIST\n"

func TestVersionIsReadOnceHoweverManyAsk(t *testing.T) {
	s := newStage(t, Config{})
	s.put(t, "/a.m3u8", []byte(plain), segstore.Meta{})
	var wg sync.WaitGroup
	entries := make([]*Entry, 50)
	begin := make(chan struct{})
	for i := range entries {
		view := s.view(t, "/a.m3u8")
		wg.Go(func() {
			<-begin
			entries[i] = s.of(t, "/a.m3u8", view)
		})
	}
	close(begin)
	wg.Wait()
	for _, e := range entries {
		if e != entries[0] || e.Manifest == nil {
			t.Fatal("two readings of one version")
		}
	}
	if n := s.Counts.Parsed.Load(); n != 1 {
		t.Errorf("read %d times", n)
	}
	old := s.view(t, "/a.m3u8")
	s.put(t, "/a.m3u8", []byte(strings.ReplaceAll(plain, "/1.ts", "/2.ts")), segstore.Meta{Stored: time.Now().Add(time.Second)})
	next := s.of(t, "/a.m3u8", s.view(t, "/a.m3u8"))
	if _, ok := next.Locate("/2.ts", media.ByteRange{}); !ok || s.Counts.Parsed.Load() != 2 {
		t.Error("the next version is not read")
	}
	// Whoever still holds the one before gets it, and does not put it in place of the new one.
	if e := s.of(t, "/a.m3u8", old); e.Manifest == nil || s.Kept("/a.m3u8") != next.Manifest {
		t.Error("an old version took the place of the new one")
	}
}

// A version that was read when other hosts were ours is read once more, however long its
// bytes are good for.
func TestManifestIsReadAgainWhenOtherHostsAreOurs(t *testing.T) {
	s := newStage(t, Config{})
	s.put(t, "/m.m3u8", []byte("#EXTM3U\n#EXTINF:2,\nhttp://late.example/1.ts\n#EXT-X-ENDLIST\n"), segstore.Meta{})
	view := s.view(t, "/m.m3u8")
	if n := s.of(t, "/m.m3u8", view).Edits().Count(); n != 0 {
		t.Fatalf("%d edits for another host", n)
	}
	late, err := media.NewOrigin(media.Root{Hosts: []string{"late.example"}})
	if err != nil {
		t.Fatal(err)
	}
	s.origin = func(string) *media.Origin { return late }
	if n := s.of(t, "/m.m3u8", view).Edits().Count(); n != 1 {
		t.Errorf("%d edits, want 1", n)
	}
	if n := s.Counts.Parsed.Load(); n != 2 {
		t.Errorf("read %d times, want 2", n)
	}
}

func TestKeptManifestsAreBounded(t *testing.T) {
	const each = 40_000
	s := newStage(t, Config{Memory: 5 * each})
	for i := range 20 {
		key := fmt.Sprintf("/%d.m3u8", i)
		s.put(t, key, []byte(plain+strings.Repeat("#", each-1000)), segstore.Meta{})
		s.of(t, key, s.view(t, key))
		if n := s.Bytes(); n > 5*each {
			t.Fatalf("%d bytes are kept", n)
		}
		if i > 0 && s.Kept("/0.m3u8") == nil { // it was asked for in between
			t.Fatal("what was asked for last was dropped")
		}
	}
	s.put(t, "/large.m3u8", []byte(plain+strings.Repeat("#", 10*each)), segstore.Meta{})
	if s.of(t, "/large.m3u8", s.view(t, "/large.m3u8")); s.Kept("/large.m3u8") == nil || len(s.entries) != 1 {
		t.Errorf("the newest is not kept, or %d others are", len(s.entries)-1)
	}
}

func TestWhatIsNoManifestIsLookedAtOnce(t *testing.T) {
	s := newStage(t, Config{})
	for key, m := range map[string]segstore.Meta{"/film": {ContentType: "application/octet-stream"}, "/page": {ContentType: "text/html"}, "/seg": {ContentType: "Video/MP2T; x=y"}, "/x.m3u8": {}} {
		s.put(t, key, bytes.Repeat([]byte("no manifest"), 1000), m)
		view := s.view(t, key)
		meta := view.Meta()
		if !Candidate(key, &meta) || s.of(t, key, view).Manifest != nil {
			t.Errorf("%s is a manifest", key)
		}
		if e, ok := s.Known(key, &meta); !ok || e.Manifest != nil {
			t.Errorf("%s has to be looked at again", key)
		}
	}
	if n := s.Counts.Unread.Load(); n != 1 {
		t.Errorf("%d manifests passed unread, want the one that says it is one", n)
	}
	for key, m := range map[string]segstore.Meta{"/1.ts": {}, "/1": {ContentType: "video/mp4"}, "/2": {ContentType: "image/png"}, "/a.m3u8": {Status: 404}} {
		if Candidate(key, &m) {
			t.Errorf("%s may be one", key)
		}
	}
}

func TestBodyIsDecodedUpToTheLimit(t *testing.T) {
	text := []byte(plain + strings.Repeat("#", 10_000))
	bomb := bytes.Repeat([]byte("#"), 64<<20)
	var deflated bytes.Buffer
	w := zlib.NewWriter(&deflated)
	_, _ = w.Write(text)
	_ = w.Close()
	for _, c := range []struct {
		encoding string
		body     []byte
	}{
		{"", text},
		{"identity", text},
		{"gzip", encode(Gzip, text)},
		{"X-GZIP", encode(Gzip, text)},
		{"gzip", append(encode(Gzip, text), make([]byte, 64)...)}, // a tape's blocks, or somebody's sendfile
		{"gzip", append(encode(Gzip, text[:9]), encode(Gzip, text[9:])...)},
		{"br", encode(Brotli, text)},
		{"zstd", encode(Zstd, text)},
		{"deflate", deflated.Bytes()},
		{"gzip, br", encode(Brotli, encode(Gzip, text))},
		{"UTF-8", text},
		{"gzip", text},
		{"gzip, x-gzip", encode(Gzip, text)},
		{"binary, none", text},
		{"gzip, aws-chunked", encode(Gzip, text)},
		{"aws-chunked,gzip", encode(Gzip, text)},
	} {
		if got, err := decoded(c.encoding, c.body, 1<<20); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", c.encoding, len(got), err)
		}
	}
	for encoding, c := range map[string]Coding{"gzip": Gzip, "br": Brotli, "zstd": Zstd} {
		body := encode(c, bomb)
		if _, err := decoded(encoding, body, 1<<20); !errors.Is(err, media.ErrTooLarge) && !errors.Is(err, ErrNone) {
			t.Errorf("%s of 64 MiB in %d bytes: %v", encoding, len(body), err)
		}
		if _, err := decoded(encoding, []byte("nothing of the kind"), 1<<20); !errors.Is(err, ErrNone) && encoding != "gzip" {
			t.Errorf("%s: %v", encoding, err)
		}
	}
	if _, err := decoded("gzip", encode(Gzip, text)[:60], 1<<20); !errors.Is(err, ErrNone) {
		t.Errorf("one that is cut off: %v", err)
	}
	if _, err := decoded("gzip, gzip, gzip, gzip, gzip", text, 1<<20); !errors.Is(err, ErrNone) {
		t.Errorf("one that is encoded five times: %v", err)
	}
}

func TestMediaPlaylistKnowsWhoNamesIt(t *testing.T) {
	s := newStage(t, Config{})
	s.put(t, "/top.m3u8", []byte("#EXTM3U\n#EXT-X-DEFINE:NAME=\"dir\",VALUE=\"/far/away\"\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a.m3u8\",X=\"x{$dir}\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"), segstore.Meta{})
	s.put(t, "/v.m3u8", []byte("#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"dir\"\n#EXTINF:2,\n{$dir}/1.ts\n"), segstore.Meta{Volatile: true})
	s.of(t, "/top.m3u8", s.view(t, "/top.m3u8"))
	m := s.Get("/v.m3u8")
	if _, ok := m.Locate("/far/away/1.ts", media.ByteRange{}); !ok {
		t.Error("what it imports is not known")
	}
	if kind, ok := s.TrackKind("/a.m3u8"); !ok || kind.String() != "audio" {
		t.Error(kind, ok)
	}
	if _, ok := s.TrackKind("/b.m3u8"); ok {
		t.Error("a kind of what nobody names")
	}
	// Two that name each other wait for nobody.
	for name, other := range map[string]string{"/x.m3u8": "y.m3u8", "/y.m3u8": "x.m3u8"} {
		s.put(t, name, []byte("#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"q\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"+other+"\n"), segstore.Meta{})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		s.Get("/x.m3u8")
		s.Get("/y.m3u8")
		s.Get("/x.m3u8")
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("they wait for each other")
	}
}

func TestTargetToComeIsKnownByLiveManifests(t *testing.T) {
	s := newStage(t, Config{})
	s.put(t, "/live.m3u8", []byte("#EXTM3U\n#EXTINF:2,\nseg-7\n"), segstore.Meta{Volatile: true})
	s.put(t, "/film.m3u8", []byte("#EXTM3U\n#EXTINF:2,\nfilm-7\n#EXT-X-ENDLIST\n"), segstore.Meta{})
	s.Get("/live.m3u8")
	s.Get("/film.m3u8")
	for target, want := range map[string]bool{"/seg-8": true, "/seg-6": false, "/film-8": false} {
		if got := s.Upcoming(target); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}

// fileWithIndex is a file with an index of two segments at byte 500.
func fileWithIndex() (file []byte, index media.ByteRange) {
	box := append([]byte{0, 0, 0, 56}, "sidx\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x03\xe8"...)
	box = append(box, make([]byte, 10)...)
	box = append(box, 0, 2)
	for _, size := range []uint32{100, 200} {
		box = binary.BigEndian.AppendUint32(box, size)
		box = append(binary.BigEndian.AppendUint32(box, 2000), 0x90, 0, 0, 0)
	}
	return append(append(make([]byte, 500), box...), make([]byte, 300)...), media.ByteRange{First: 500, Length: int64(len(box))}
}

// TestIndexOfAFileOfWhichPartsAreStored is a film that players ask for range by range:
// the whole of it is never here.
func TestIndexOfAFileOfWhichPartsAreStored(t *testing.T) {
	s := newStage(t, Config{})
	file, index := fileWithIndex()
	const slice = rules.SliceSize
	begin := slice - 510 // the index stands across two slices
	index.First += int64(begin)
	film := append(make([]byte, begin), file...)
	part := func(target string, n int64, etag string) {
		at := n * slice
		s.put(t, rules.SliceKey(target, n), film[at:min(at+slice, int64(len(film)))], segstore.Meta{ETag: etag, Fields: rules.Extent("", at, int64(len(film)))})
	}
	part("/film.mp4", 0, `"1"`)
	o := media.Object{Target: "/film.mp4", Range: index}
	if s.Index(o) != nil {
		t.Fatal("half an index is one")
	}
	part("/film.mp4", 1, `"1"`)
	x := s.Index(o)
	if x == nil || s.Index(o) != x {
		t.Fatal("it is not found, or read again")
	}
	second := media.ByteRange{First: index.First + index.Length + 100, Length: 200}
	if ref, ok := x.Locate(media.Ref{Sequence: -1}, second); !ok || ref.Sequence != 2 {
		t.Errorf("%+v, %v", ref, ok)
	}
	part("/two.mp4", 0, `"1"`)
	part("/two.mp4", 1, `"2"`)
	for _, o := range []media.Object{
		{Target: "/two.mp4", Range: index}, // slices of two versions
		{Target: o.Target, Range: media.ByteRange{First: int64(len(film)) - 10, Length: 20}},
	} {
		if s.Index(o) != nil {
			t.Errorf("%+v has an index", o)
		}
	}
}

func TestIndexOfAStoredFile(t *testing.T) {
	s := newStage(t, Config{})
	file, index := fileWithIndex()
	s.put(t, "/a%20b.mp4", file, segstore.Meta{})
	o := media.Object{Target: "/a%20b.mp4", Range: index}
	x := s.Index(o)
	if x == nil || s.Index(o) != x {
		t.Fatal("it is not found, or read again")
	}
	if ref, ok := x.Locate(media.Ref{Sequence: -1}, media.ByteRange{First: index.First + index.Length + 100, Length: 200}); !ok || ref.Sequence != 2 {
		t.Errorf("%+v, %v", ref, ok)
	}
	for _, o := range []media.Object{
		{Target: "/other.mp4", Range: o.Range},
		{Target: o.Target},
		{Target: o.Target, Range: media.ByteRange{First: 0, Length: 100}},
		{Target: o.Target, Range: media.ByteRange{First: 500, Length: 1 << 30}},
		{Target: "/%zz", Range: o.Range},
	} {
		if s.Index(o) != nil {
			t.Errorf("%+v has an index", o)
		}
	}
}

// A body that becomes large when it is decoded waits for its place before it does: what
// many of them would take at once is bounded.
func TestLargeBodiesAreDecodedTwoAtATime(t *testing.T) {
	var bomb bytes.Buffer
	w, _ := zlib.NewWriterLevel(&bomb, zlib.BestSpeed)
	_, _ = w.Write(append([]byte("#EXTM3U\n#"), bytes.Repeat([]byte("A"), 13<<20)...))
	_ = w.Close()
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Limit: 12 << 20, Memory: 1 << 20}, Deps{Logger: zerolog.Nop()})
		for range cap(c.few) {
			c.few <- struct{}{}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		done := make(chan *Entry, 1)
		go func() {
			done <- c.Parse("/bomb.m3u8", &segstore.Meta{Status: http.StatusOK, Encoding: "deflate"}, bomb.Bytes())
		}()
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if len(done) > 0 || after.TotalAlloc-before.TotalAlloc > 10<<20 {
			t.Errorf("done %v, %d bytes without a place", len(done) > 0, after.TotalAlloc-before.TotalAlloc)
		}
		<-c.few
		if e := <-done; e.Manifest != nil || c.Counts.Unread.Load() != 1 {
			t.Errorf("read: %v, unread %d", e.Manifest != nil, c.Counts.Unread.Load())
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 10<<20 {
			t.Errorf("%d bytes for what is too large", took)
		}
	})
}
