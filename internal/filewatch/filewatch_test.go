package filewatch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever is done to a file it is another one: also one of the same time and size that
// was moved into its place, as `cp -p` and a mounted volume do it.
func TestAReplacedFileIsAnother(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	at := time.Unix(1_700_000_000, 0)
	write := func(name, text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(name, "one", at)
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	before := Of(name, link)
	if !before.Same(Of(name, link)) {
		t.Error("nothing was done")
	}
	for what, do := range map[string]func(){
		"written, at another time": func() { write(name, "two", at.Add(time.Second)) },
		"longer":                   func() { write(name, "three", at) },
		"moved into its place":     func() { write(name+"2", "two", at); _ = os.Rename(name+"2", name) },
		"gone":                     func() { _ = os.Remove(name) },
		"the link leads elsewhere": func() {
			write(name, "one", at)
			write(name+"2", "two", at)
			_ = os.Remove(link)
			_ = os.Symlink("file2", link)
		},
	} {
		_ = os.Remove(name)
		_ = os.Remove(link)
		write(name, "one", at)
		_ = os.Symlink("file", link)
		before := Of(name, link)
		do()
		if before.Same(Of(name, link)) {
			t.Errorf("%s: not seen", what)
		}
	}
	none := filepath.Join(dir, "none")
	if !Of(none).Same(Of(none)) || Of(none).Same(Of(dir)) || Of(none).Same(nil) {
		t.Error("a file that is not there")
	}
}

func TestFilesAreLookedAtUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		looks, over := 0, make(chan error, 1)
		go func() { over <- Run(ctx, func() { looks++ }) }()
		time.Sleep(10*Every + Every/2)
		stop()
		if err := <-over; err != nil || looks != 10 {
			t.Errorf("%d looks, %v", looks, err)
		}
	})
}
