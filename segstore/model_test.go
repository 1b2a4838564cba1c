package segstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	modelKeys   = rapid.SampledFrom([]string{"/a", "/a/1", "/a/2", "/b", "/b?x=1", "/ab"})
	modelNames  = rapid.SampledFrom([]string{"", "/s/", "/t/"})
	modelBodies = rapid.SliceOfN(rapid.Byte(), 0, 300)
)

// TestStoreIsAMapThatSurvivesRestarts compares any history with a map.
func TestStoreIsAMapThatSurvivesRestarts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir := t.TempDir()
		s, model := openModel(r, dir), make(map[string][]byte)
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				key, body := modelKeys.Draw(r, "key"), modelBodies.Draw(r, "body")
				meta := Meta{Size: int64(len(body)), Digest: digestOf(body), Stream: modelNames.Draw(r, "stream")}
				if err := s.Put(key, meta, bytes.NewReader(body)); err != nil {
					r.Fatal(err)
				}
				model[key] = body
			},
			"get": func(r *rapid.T) {
				key, body := modelKeys.Draw(r, "key"), modelBodies.Draw(r, "body")
				if err := s.Fill(t.Context(), key, sourceOf(Meta{Size: -1, Stream: modelNames.Draw(r, "stream"), Status: rapid.SampledFrom([]int{0, 200}).Draw(r, "status")}, body)); err != nil {
					r.Fatal(err)
				}
				if _, there := model[key]; !there {
					model[key] = body
				}
			},
			"replace": func(r *rapid.T) {
				key := modelKeys.Draw(r, "key")
				_, there := model[key]
				if err := s.Replace(key, Meta{Stream: modelNames.Draw(r, "stream")}); (err == nil) != there {
					r.Fatalf("replacing %s said %v", key, err)
				}
			},
			"delete": func(r *rapid.T) {
				key := modelKeys.Draw(r, "key")
				if _, there := model[key]; s.Delete(key) != there {
					r.Fatalf("deleting %s said %v", key, !there)
				}
				delete(model, key)
			},
			"delete prefix": func(r *rapid.T) {
				prefix, want := rapid.SampledFrom([]string{"/a", "/a/", "/b", "/", ""}).Draw(r, "prefix"), 0
				for key := range model {
					if strings.HasPrefix(key, prefix) {
						delete(model, key)
						want++
					}
				}
				if got := s.DeletePrefix(prefix); got != want {
					r.Fatalf("%q: deleted %d, want %d", prefix, got, want)
				}
			},
			"restart": func(r *rapid.T) {
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = openModel(r, dir)
			},
			"": func(r *rapid.T) { compare(r, s, model) },
		})
		if err := errors.Join(s.Check(), s.Close()); err != nil {
			r.Fatal(err)
		}
	})
}

func openModel(r *rapid.T, dir string) *Store {
	s, err := Open(dir, Options{})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func compare(r *rapid.T, s *Store, model map[string][]byte) {
	if n := s.Stats().Objects; n != len(model) {
		r.Fatalf("%d objects, want %d", n, len(model))
	}
	streams := map[string]int{}
	s.List(func(it Item) bool {
		if it.Meta.Stream != "" {
			streams[it.Meta.Stream]++
		}
		return true
	})
	if got := s.Streams(); !maps.Equal(got, streams) {
		r.Fatalf("it says that it holds %v; it holds %v", got, streams)
	}
	for key, want := range model {
		v, ok := s.Peek(key)
		if !ok {
			r.Fatalf("%s is not there", key)
		}
		got := make([]byte, len(want)+1)
		n, _ := v.ReadAt(got, 0)
		v.Close()
		if !bytes.Equal(got[:n], want) {
			r.Fatalf("%s is %q, want %q", key, got[:n], want)
		}
	}
}

func BenchmarkHit(b *testing.B) {
	s := openStore(b, b.TempDir(), Options{})
	mustFill(b, s, "/hit", Meta{Size: 4}, []byte("body"))
	source := sourceOf(Meta{}, nil)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v, _, err := s.Get(b.Context(), "/hit", source)
			if err != nil {
				b.Fatal(err)
			}
			if _, ok := v.File(); !ok {
				b.Fatal("no file")
			}
			v.Close()
		}
	})
}

func BenchmarkFillMegabyte(b *testing.B) {
	s := openStore(b, b.TempDir(), Options{MaxBytes: 256 << 20})
	body := bodyOf("/", 1<<20)
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for i := range b.N {
		key := "/" + strconv.Itoa(i)
		err := s.Fill(b.Context(), key, func(_ context.Context, sink *Sink) error {
			if err := sink.Begin(Meta{Size: 1 << 20}); err != nil {
				return err
			}
			_, err := io.Copy(sink, bytes.NewReader(body))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
