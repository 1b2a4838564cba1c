package media

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What the edge still reads manifests by; it goes when the edge keeps Manifests.

// MaxPlaylist bounds what is listed whole, in bytes.
const MaxPlaylist = 8 << 20

// ErrStepBack is returned for a playlist that must not follow another one.
var ErrStepBack = errors.New("the playlist goes back")

// M3U8 is an HLS playlist.
type M3U8 struct {
	Multivariant, Ended bool
	TargetDuration      time.Duration
	manifest            *Manifest
}

// Presentation is an MPD.
type Presentation struct {
	Dynamic             bool
	MinimumUpdatePeriod time.Duration
}

// ParseM3U8 reads a playlist.
func ParseM3U8(b []byte) (*M3U8, error) {
	m, err := Parse(b, Site{Origin: Unnamed(), Target: "/"})
	if err == nil && (m.Kind() == MPD || m.Flaw() != nil) {
		err = fmt.Errorf("%w: %w", ErrNoManifest, m.Flaw())
	}
	if err != nil {
		return nil, err
	}
	return &M3U8{m.Kind() == Multivariant, m.Ended(), m.Interval(), m}, nil
}

// ParseMPD reads an MPD.
func ParseMPD(b []byte, _ time.Time) (*Presentation, error) {
	m, err := Parse(b, Site{Origin: Unnamed(), Target: "/"})
	if err != nil {
		return nil, err
	}
	return &Presentation{m.Live(), m.Interval()}, nil
}

// NoStepBack tells whether a playlist may follow another one.
func NoStepBack(old, next *M3U8) error {
	if old.Ended && !next.Ended {
		return ErrStepBack
	}
	if c := Compare(old.manifest, next.manifest); c == Back || c == Anew {
		return ErrStepBack
	}
	return nil
}

// Tracks lists the tracks of a manifest.
func Tracks(target string, body []byte, now time.Time) ([]Track, []string, error) {
	m, err := Parse(body, Site{Origin: Unnamed(), Target: target})
	if err != nil {
		return nil, nil, err
	}
	if err := m.Flaw(); err != nil {
		return nil, nil, err
	}
	tracks, err := m.Tracks(now)
	var further []string
	for _, c := range m.Children() {
		further = append(further, c.Target)
	}
	return tracks, further, err
}

// Rewrite puts a prefix into a manifest.
func Rewrite(kind Kind, body []byte, prefix string, ownHosts []string) ([]byte, bool) {
	o := Unnamed()
	if len(ownHosts) > 0 {
		var err error
		if o, err = NewOrigin("http://"+ownHosts[0], ownHosts[1:], nil); err != nil {
			return body, false
		}
	}
	m, err := Parse(body, Site{Origin: o, Target: strings.Repeat("/a", 100) + "/b"})
	if err != nil || m.Edits().Count() == 0 || !IsPlaylist(kind) {
		return body, false
	}
	return m.Edits().Append(nil, body, prefix), true
}
