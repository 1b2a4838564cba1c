package wire

import "fmt"

// MaxTracks is the most tracks of a session: one of each kind.
const MaxTracks = 4

// TrackKind is what a track of a session is, as internal/media calls it.
type TrackKind uint8

// Kinds of tracks. Trick play and pictures are OtherTrack.
const (
	OtherTrack TrackKind = iota
	VideoTrack
	AudioTrack
	SubtitlesTrack
)

var trackKinds = [MaxTracks]string{"other", "video", "audio", "subtitles"}

// String is the kind's name in logs, in JSON and as the label of a metric.
func (k TrackKind) String() string { return trackKinds[k%MaxTracks] }

// MarshalText writes the name.
func (k TrackKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the name.
func (k *TrackKind) UnmarshalText(text []byte) error {
	for i, name := range trackKinds {
		if name == string(text) {
			*k = TrackKind(i)
			return nil
		}
	}
	return fmt.Errorf("no kind of track: %q", text)
}

// Track is how far a session is in one of its tracks: the last segment that was
// delivered to it in full (claims 16, 22). The zero Target stands for none.
type Track struct {
	Kind     TrackKind `json:"kind"`
	Manifest string    `json:"manifest"`        // key of the playlist or MPD that names the segment
	Target   string    `json:"target"`          // key of the segment
	First    int64     `json:"first,omitempty"` // byte at which it begins, where segments are parts of a file
	Last     int64     `json:"last,omitempty"`  // its last byte; 0: the file is the segment
	Sequence int64     `json:"sequence"`        // -1: the manifest numbers none
	Time     int64     `json:"time"`            // milliseconds from the beginning of the presentation
	Duration int64     `json:"duration"`        // milliseconds that it plays
	At       int64     `json:"at"`              // unix milliseconds at which its last byte was written
}
