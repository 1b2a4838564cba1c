package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"tandem/internal/media"
)

// maxFacts bounds the facts that are kept.
const maxFacts = 1 << 16

// errChanging: somebody writes into the file instead of replacing it.
var errChanging = errors.New("the file changed while it was read")

// factKey names one version of an object: a file that was replaced or written
// to has another one.
type factKey struct {
	path    string
	size    int64
	changed int64
	inode   uint64
}

// fact is what the bytes of an object say, found once for each version.
type fact struct {
	etag   string // strong: the first 16 bytes of the SHA-256, in hex, quoted
	digest string // SHA-256 in hex
	kind   media.Kind
	live   bool          // a playlist that will change
	target time.Duration // of a live playlist: how often it changes
}

// facts keeps facts. Safe for many goroutines.
type facts struct {
	mu    sync.Mutex
	known map[factKey]*fact // guarded by mu
	once  singleflight.Group
	made  func() // called for each object that is read whole
}

// of finds the facts about an open object and leaves it at its beginning.
func (f *facts) of(s *stored) (*fact, error) {
	f.mu.Lock()
	found, ok := f.known[s.key]
	f.mu.Unlock()
	if ok {
		return found, nil
	}
	made, err, _ := f.once.Do(fmt.Sprintf("%+v", s.key), func() (any, error) { return f.make(s) })
	if err != nil {
		return nil, err
	}
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return made.(*fact), nil
}

func (f *facts) make(s *stored) (*fact, error) {
	made := &fact{kind: media.KindOf(s.key.path, "")}
	if media.IsPlaylist(made.kind) && s.key.size <= media.DefaultLimit {
		body, err := io.ReadAll(s)
		if err != nil {
			return nil, err
		}
		made.seal(sha256.Sum256(body))
		made.playlist(body)
	} else {
		h := sha256.New()
		n, err := io.Copy(h, s)
		if err != nil {
			return nil, err
		}
		if n != s.key.size {
			return nil, errChanging
		}
		made.seal([sha256.Size]byte(h.Sum(nil)))
	}
	f.made()
	f.keep(s.key, made)
	return made, nil
}

// keep remembers what the bytes of an object say.
func (f *facts) keep(key factKey, made *fact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for old := range f.known {
		if len(f.known) < maxFacts {
			break
		}
		delete(f.known, old) // any will do: it is found again when asked for
	}
	f.known[key] = made
}

func (f *fact) seal(sum [sha256.Size]byte) {
	f.digest = hex.EncodeToString(sum[:])
	f.etag = `"` + f.digest[:32] + `"`
}

// playlist finds out whether a playlist will change. One that can't be read is
// served as it is, and asked for often.
func (f *fact) playlist(body []byte) {
	m, err := media.Parse(body, media.Site{Origin: media.Unnamed()})
	if err != nil || m.Flaw() != nil {
		f.live = true
		return
	}
	f.kind, f.live, f.target = m.Kind(), m.Live(), m.Interval()
}

// cacheControl says how long an object may be kept: a segment for ever, since
// its name never stands for other bytes; a playlist until it may have changed.
func (f *fact) cacheControl() string {
	switch {
	case f.live:
		return liveFor(f.target)
	case media.IsPlaylist(f.kind):
		return "public, max-age=5"
	case f.kind == media.Segment || f.kind == media.Init:
		return keptForEver
	default:
		return "public, max-age=60"
	}
}

// keptForEver is said of what is never replaced (RFC 8246).
const keptForEver = "public, max-age=31536000, immutable"

// liveFor is half of the time between two versions, whole seconds, at least one.
func liveFor(target time.Duration) string {
	return fmt.Sprintf("public, max-age=%d", max(1, int(target/2/time.Second)))
}
