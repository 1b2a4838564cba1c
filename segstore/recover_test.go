package segstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"tandem/segstore/files"
	"tandem/segstore/index"
)

// makeObjects writes n objects of one byte as a store would have left them,
// without its syncs.
func makeObjects(t *testing.T, dir string, n int) {
	t.Helper()
	x, err := index.Open(filepath.Join(dir, indexName), func(Key, []byte) {})
	if err != nil {
		t.Fatal(err)
	}
	meta := &Meta{Status: 200, Size: 1, Digest: digestOf([]byte("x"))}
	one := filepath.Join(t.TempDir(), "body") // linked, not written ten thousand times
	if err := os.WriteFile(one, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	var changes []index.Change
	for i := range uint64(n) {
		number := i + 1
		path := files.Path(dir, number)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(one, path); err != nil {
			t.Fatal(err)
		}
		changes = append(changes, index.Change{Key: fmt.Sprint("/", number), Record: meta.record(number)})
	}
	if err := errors.Join(x.Apply(changes), x.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestReopeningReadsNoBodies(t *testing.T) {
	dir := t.TempDir()
	makeObjects(t, dir, 10_000)
	f := newFaults()
	s, err := Open(dir, Options{Fault: f.at, Descriptors: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if n := s.Stats().Objects; n != 10_000 {
		t.Errorf("%d objects", n)
	}
	if f.count("open")+f.count("read") != 0 {
		t.Errorf("opened %d files", f.count("open"))
	}
	for i := range 200 {
		mustHave(t, s, fmt.Sprint("/", i+1), []byte("x"))
	}
	open := 0
	all, _ := os.ReadDir("/proc/self/fd") // where there is one
	for _, one := range all {
		if path, _ := os.Readlink("/proc/self/fd/" + one.Name()); strings.HasPrefix(path, filepath.Join(dir, "objects")) {
			open++
		}
	}
	if open > 16 || open == 0 && len(all) > 0 {
		t.Errorf("%d open descriptors, at most 16", open)
	}
}

func TestCorruptIndexIsMovedAsideAndTheStoreStartsEmpty(t *testing.T) {
	damages := map[string]func(b []byte) []byte{
		"garbage":   func([]byte) []byte { return []byte("this is no database") },
		"metas":     func(b []byte) []byte { clear(b[:8192]); return b },
		"truncated": func(b []byte) []byte { return b[:12288] },
		"one page":  func(b []byte) []byte { return b[:4096] },
		"zero rest": func(b []byte) []byte { clear(b[8192:]); return b },
		"ones rest": func(b []byte) []byte {
			for i := range b[8192:] {
				b[8192+i] = 0xff
			}
			return b
		},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			makeObjects(t, dir, 300)
			path := filepath.Join(dir, indexName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(b), 0o644); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s := openStore(t, dir, Options{Logger: zerolog.New(&log)})
			if s.Stats().Objects != 0 || len(bodyFiles(t, dir)) != 0 {
				t.Errorf("%+v, %d files", s.Stats(), len(bodyFiles(t, dir)))
			}
			if _, err := os.Stat(filepath.Join(dir, "index.corrupt-1")); err != nil || !strings.Contains(log.String(), "index.corrupt-1") {
				t.Errorf("not moved aside: %v; log: %s", err, log.String())
			}
			mustFill(t, s, "/new", Meta{Size: 1}, []byte("x"))
		})
	}
}

func TestFewCorruptIndexesAreKept(t *testing.T) {
	dir := t.TempDir()
	for range 4 + 3 {
		if err := os.WriteFile(filepath.Join(dir, indexName), []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	}
	if olds, _ := filepath.Glob(filepath.Join(dir, "index.corrupt-*")); len(olds) != 4 {
		t.Errorf("kept %v", olds)
	}
}

func TestOpenDropsWhatIsHalfThere(t *testing.T) {
	dir := t.TempDir()
	makeObjects(t, dir, 10)
	file := func(number uint64) string {
		return files.Path(dir, number)
	}
	if err := os.Mkdir(filepath.Dir(file(77)), 0o755); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(file(1))                             // a record without a file
	_ = os.WriteFile(file(77), []byte("stray"), 0o644) // a file without a record
	_, _ = os.Remove(file(2)), os.Remove(file(3))
	_ = os.WriteFile(file(2), []byte("longer"), 0o644)
	_ = os.WriteFile(file(3), []byte("y"), 0o644) // the right length, the wrong byte
	x, err := index.Open(filepath.Join(dir, indexName), func(Key, []byte) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.Apply([]index.Change{{Key: "/4", Record: []byte("no record")}}), x.Close()); err != nil {
		t.Fatal(err)
	}

	s := openStore(t, dir, Options{})
	if n := s.Stats().Objects; n != 8 || len(bodyFiles(t, dir)) != 8 {
		t.Errorf("%d objects, %d files, want 8: not 1, 4", n, len(bodyFiles(t, dir)))
	}
	mustFill(t, s, "/2", Meta{Size: 2}, []byte("ok")) // a miss, not a broken answer
	err = s.Check()
	if !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), `"/3"`) {
		t.Errorf("check found %v", err)
	}
	if s.Has("/3") || s.Stats().Broken != 2 {
		t.Errorf("a damaged copy is still served: %+v", s.Stats())
	}
	mustFill(t, s, "/new", Meta{Size: 1}, []byte("x"))
	if _, err := os.Stat(file(79)); err != nil {
		t.Errorf("numbers go on after the highest ever seen, 77: %v", err)
	}
}

func TestCheckFindsStraysAndForeignRecords(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/a", Meta{Size: 1}, []byte("x"))
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	stray := files.Path(s.dir, 9)
	if err := os.WriteFile(stray, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	foreign := index.Change{Key: "/nobody", Record: (&Meta{Size: 1}).record(9)}
	if err := s.index.Apply([]index.Change{foreign}); err != nil {
		t.Fatal(err)
	}
	err := s.Check()
	if err == nil || !strings.Contains(err.Error(), stray) || !strings.Contains(err.Error(), `"/nobody"`) {
		t.Errorf("check found %v", err)
	}
	_ = os.Remove(stray)
	_ = s.index.Apply([]index.Change{{Key: "/nobody"}})
}

// An index that an earlier release wrote is read as it is.
func TestRecordsOfEarlierVersionsAreRead(t *testing.T) {
	want := Meta{Status: 200, Size: 1, ContentType: "video/mp4", Digest: digestOf([]byte("x")), Stream: "/s/", Fields: "A: b\r\n", Pairs: Pair(9), Tags: " a b "}
	for version, texts := range map[byte]int{1: 9, 2: 10, 3: 11, 4: 12} {
		dir := t.TempDir()
		makeObjects(t, dir, 2)
		b := binary.AppendVarint(binary.AppendUvarint([]byte{version}, 1), want.Size)
		b = binary.AppendUvarint(b, uint64(want.Status))
		if version < 3 {
			b = binary.AppendUvarint(b, 0)
		}
		b = binary.AppendVarint(binary.AppendVarint(b, 0), 0)
		expect, all := want, want.texts()
		for _, text := range all[:texts] {
			b = append(binary.AppendUvarint(b, uint64(len(*text))), *text...)
		}
		lost := expect.texts()
		for _, text := range lost[texts:] {
			*text = ""
		}
		x, err := index.Open(filepath.Join(dir, indexName), func(Key, []byte) {})
		if err != nil {
			t.Fatal(err)
		}
		b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		if err := errors.Join(x.Apply([]index.Change{{Key: "/1", Record: b}}), x.Close()); err != nil {
			t.Fatal(err)
		}
		s := openStore(t, dir, Options{})
		v, ok := s.Peek("/1")
		if !ok {
			t.Fatalf("version %d is dropped", version)
		}
		if v.Meta() != expect {
			t.Errorf("version %d: read %+v, want %+v", version, v.Meta(), expect)
		}
		if err := s.Replace("/1", Meta{Fields: "X: y\r\n"}); err != nil || v.Meta().Fields != "X: y\r\n" {
			t.Errorf("%v, %+v", err, v.Meta())
		}
		v.Close()
		mustHave(t, s, "/2", []byte("x"))
	}
	later := []byte{4, 0}
	if _, _, err := decodeRecord(binary.BigEndian.AppendUint32(later, crc32.Checksum(later, crc32.MakeTable(crc32.Castagnoli)))); err == nil {
		t.Error("a version that nobody has written yet is read")
	}
}
