// Package filewatch tells when files that an operator edits have been replaced: settings,
// keys, certificates. Everybody looks at them here, and in the same way.
//
// Always true: a file is another one when its time, its size or the file itself is
// another, so that one that was moved into its place counts whatever its time is; a
// missing file is one that differs from every other.
//
// Never done here: nothing is read; whoever reads decides what a broken file means.
//
// Goroutines: none of its own; Run is its caller's.
package filewatch

import (
	"context"
	"os"
	"time"
)

// Every is how often files are looked at.
const Every = 2 * time.Second

// Stamps are what tells files from their replacements; nil: nobody has looked.
type Stamps []os.FileInfo

// Of are those of files as they are now.
func Of(names ...string) Stamps {
	s := make(Stamps, len(names))
	for i, name := range names {
		s[i], _ = os.Stat(name) // nil: there is none
	}
	return s
}

// Same tells whether they are of the same files, unchanged.
func (s Stamps) Same(of Stamps) bool {
	if len(s) != len(of) {
		return false
	}
	for i, a := range s {
		b := of[i]
		switch {
		case a == nil && b == nil:
		case a == nil || b == nil, !os.SameFile(a, b), !a.ModTime().Equal(b.ModTime()), a.Size() != b.Size():
			return false
		}
	}
	return true
}

// Run calls look, by which somebody finds out what has changed, until ctx ends.
func Run(ctx context.Context, look func()) error { return every(ctx, Every, look) }

func every(ctx context.Context, d time.Duration, look func()) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			look()
		}
	}
}
