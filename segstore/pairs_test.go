package segstore

import (
	"bytes"
	"testing"
)

// What an object was fetched for is known after a restart, and whoever wants it next
// is added; a new version and a validation lose nobody.
func TestAnObjectKnowsForWhomItIs(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	put := func(m Meta) {
		m.Size = 3
		if err := s.Put("/a", m, bytes.NewReader([]byte("abc"))); err != nil {
			t.Fatal(err)
		}
	}
	put(Meta{Pairs: Pair(3).With(Pair(0))})
	if s.Note("/a", 3) || s.Note("/a", 0) || s.Note("/b", 4) {
		t.Error("something was new that was known, or is not there")
	}
	if !s.Note("/a", 0x10000003) || s.Note("/a", 0x10000003) {
		t.Error("the second pair is not noted once")
	}
	if err := s.Replace("/a", Meta{Pairs: Pair(5)}); err != nil {
		t.Fatal(err)
	}
	digest := meta(t, s, "/a").Digest
	put(Meta{Digest: digest, Pairs: Pair(6)})
	if err := s.Durable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !s.Note("/a", 7) {
		t.Error("the last pair is not noted")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, Options{})
	got := meta(t, s, "/a").Pairs
	for _, id := range []uint32{3, 0x10000003, 5, 6, 7} {
		if !got.Has(id) {
			t.Errorf("%d is lost", id)
		}
	}
	if got.Has(0) || got.Has(4) || len(got) != 20 {
		t.Errorf("%x", got)
	}
}

func TestOfManyPairsTheLatestAreKnown(t *testing.T) {
	var p Pairs
	for id := range uint32(100) {
		p = p.With(Pair(id))
	}
	if len(p) != 4*maxPairs || p.Has(99-maxPairs) || !p.Has(99) || !p.Has(100-maxPairs) {
		t.Errorf("%x", p)
	}
}

func meta(t *testing.T, s *Store, key string) Meta {
	t.Helper()
	v, ok := s.Peek(key)
	if !ok {
		t.Fatalf("%s is not there", key)
	}
	defer v.Close()
	return v.Meta()
}
