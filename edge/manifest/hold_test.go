package manifest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tandem/segstore"
)

// A large version is here once for all who are given it, also when it has given way to
// others meanwhile.
func TestVersionThatIsGivenOutIsNotReadAgain(t *testing.T) {
	s := newStage(t, Config{Limit: 4 << 20, Memory: 1}) // one of them, at most
	list := func(n int) []byte {
		return []byte("#EXTM3U\n#EXTINF:2,\n/x/" + fmt.Sprint(n) + ".ts\n#EXT-X-ENDLIST\n" + strings.Repeat("#\n", Small/2))
	}
	for n := range 3 {
		s.put(t, fmt.Sprintf("/%d.m3u8", n), list(n), segstore.Meta{})
	}
	first := s.of(t, "/0.m3u8", s.view(t, "/0.m3u8"))
	s.Hold(first)
	s.Hold(first)
	s.of(t, "/1.m3u8", s.view(t, "/1.m3u8"))
	if s.of(t, "/0.m3u8", s.view(t, "/0.m3u8")) != first || s.leftBytes == 0 {
		t.Error("it is read again while it is given out")
	}
	s.Release(first)
	if s.of(t, "/0.m3u8", s.view(t, "/0.m3u8")) != first {
		t.Error("it is read again while one is given it")
	}
	if s.Release(first); s.leftBytes != 0 || s.left.Len() != 0 || s.of(t, "/0.m3u8", s.view(t, "/0.m3u8")) == first {
		t.Errorf("nobody is given it, and it stays: %d bytes", s.leftBytes)
	}
}

// Versions that have left are bounded in bytes over all: the first is sent no more. The
// newest, and what stands in the cache, never is one of them.
func TestVersionsThatLeaveAreBounded(t *testing.T) {
	s := newStage(t, Config{Limit: 1 << 20, Memory: 64 << 20})
	var all []*Entry
	for n := range 40 {
		body := []byte("#EXTM3U\n#EXTINF:2,\n/x/" + fmt.Sprint(n) + ".ts\n" + strings.Repeat("#\n", Small))
		e := s.Parse("/live.m3u8", &segstore.Meta{Stored: time.Unix(int64(n), 0)}, body)
		s.Keep(e)
		s.Hold(e)
		all = append(all, e)
	}
	if s.leftBytes > leftShare<<20 || s.leftBytes < 6<<20 {
		t.Errorf("%d bytes have left and stay", s.leftBytes)
	}
	ended := 0
	for n, e := range all {
		if e.Ended() {
			if ended++; ended != n+1 {
				t.Errorf("version %d is ended before one that left first", n)
			}
		}
	}
	if ended == 0 || all[39].Ended() {
		t.Errorf("%d are ended", ended)
	}
	for _, e := range all {
		s.Release(e)
	}
	if s.leftBytes != 0 || s.left.Len() != 0 {
		t.Errorf("%d bytes stay", s.leftBytes)
	}
}
