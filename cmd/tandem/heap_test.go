package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The least that the groups of a process allow counts, and no limit is none.
func TestMemoryThatControlGroupsAllow(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) string {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("a/b/memory.max", "max\n")
	write("a/memory.max", "300000000\n")
	write("c/memory.max", "400000000\n")
	write("c/d/memory.max", "100000000\n")
	write("memory.max", "900000000\n")
	for text, want := range map[string]int64{
		"0::/a/b\n":             300_000_000,
		"1:cpu:/x\n0::/c/d\n":   100_000_000,
		"0::/\n":                900_000_000,
		"0::/none/of/these\n":   900_000_000,
		"4:memory:/a\n":         math.MaxInt64,
		"":                      math.MaxInt64,
		"0::/../../a/../../c\n": 400_000_000,
	} {
		if got := grouped(write("of", text), root); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := grouped(filepath.Join(root, "none"), root); got != math.MaxInt64 {
		t.Errorf("without the file: %d", got)
	}
}
