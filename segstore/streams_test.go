package segstore

import (
	"bytes"
	"maps"
	"testing"
)

// A negative answer is not holding a stream, and what was purged is not held.
func TestWhatIsHeldOfAStreamIsWhatIsThere(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string, m Meta) {
		m.Size = 3
		if err := s.Put(key, m, bytes.NewReader([]byte("abc"))); err != nil {
			t.Fatal(err)
		}
	}
	put("/s/1.m4s", Meta{Stream: "/s/"})
	put("/s/live.m3u8", Meta{Stream: "/s/", Volatile: true})
	put("/t/2.m4s", Meta{Stream: "/t/", Status: 404})
	put("/else", Meta{})
	if got := s.Streams(); !maps.Equal(got, map[string]int{"/s/": 2}) {
		t.Errorf("%v", got)
	}
	s.DeletePrefix("/")
	if got := s.Streams(); len(got) != 0 {
		t.Errorf("after a purge: %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
