package member

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rs/zerolog"
)

// numbers are the few things that an edge has to know of its former lives, a file
// each.
type numbers struct {
	dir string
	log zerolog.Logger
}

// next makes an incarnation higher than at any start before: the clock, or one
// more than the last one when the clock went back. It is kept.
func (n numbers) next(clock, present uint64) uint64 {
	higher := max(clock, n.read("incarnation")+1, present+1)
	n.write("incarnation", higher)
	return higher
}

func (n numbers) read(name string) uint64 {
	text, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		return 0
	}
	value, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return value
}

func (n numbers) write(name string, value uint64) {
	path := filepath.Join(n.dir, name)
	if err := os.WriteFile(path+".tmp", strconv.AppendUint(nil, value, 10), 0o600); err == nil {
		err = os.Rename(path+".tmp", path)
		if err == nil {
			return
		}
	}
	n.log.Warn().Str("file", path).Msg("can't be written; after a restart an old message might be taken for a new one")
}
