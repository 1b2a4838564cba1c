package lives

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
)

// Numbers are the few things that an edge has to know of its former lives, a file
// each.
type Numbers struct {
	Dir string
	Log zerolog.Logger
}

// Next makes an incarnation higher than at any start before: the clock, or one
// more than the last one when the clock went back. It is kept.
func (n Numbers) Next(clock, present uint64) uint64 {
	higher := max(clock, n.Read("incarnation")+1, present+1)
	n.Write("incarnation", higher)
	return higher
}

// Read is a number, 0 when there is none.
func (n Numbers) Read(name string) uint64 {
	text, err := os.ReadFile(filepath.Join(n.Dir, name))
	if err != nil {
		return 0
	}
	value, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return value
}

// Write keeps one.
func (n Numbers) Write(name string, value uint64) {
	path := filepath.Join(n.Dir, name)
	if err := os.WriteFile(path+".tmp", strconv.AppendUint(nil, value, 10), 0o600); err == nil {
		err = os.Rename(path+".tmp", path)
		if err == nil {
			return
		}
	}
	n.Log.Warn().Str("file", path).Msg("can't be written; after a restart an old message might be taken for a new one")
}
