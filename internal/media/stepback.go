package media

import (
	"errors"
	"fmt"
)

// ErrStepBack is returned for a playlist that must not follow another one.
var ErrStepBack = errors.New("the playlist goes back")

// NoStepBack tells whether a player that has seen the old playlist may be given
// the new one (truth 5): the media sequence does not go back, the end neither,
// and no known number has got another URI. Multivariant playlists always may.
func NoStepBack(old, next *M3U8) error {
	if old == nil || next == nil || old.Multivariant || next.Multivariant {
		return nil
	}
	if next.MediaSequence < old.MediaSequence {
		return fmt.Errorf("%w: media sequence from %d to %d", ErrStepBack, old.MediaSequence, next.MediaSequence)
	}
	if oldEnd, newEnd := old.MediaSequence+int64(len(old.Segments)), next.MediaSequence+int64(len(next.Segments)); newEnd < oldEnd {
		return fmt.Errorf("%w: last segment from %d to %d", ErrStepBack, oldEnd-1, newEnd-1)
	}
	if old.Ended && !next.Ended {
		return fmt.Errorf("%w: it had ended", ErrStepBack)
	}
	for i := range next.Segments {
		s := &next.Segments[i]
		at := s.Sequence - old.MediaSequence
		if at >= int64(len(old.Segments)) {
			break
		}
		if was := &old.Segments[at]; was.URI != s.URI || was.ByteRange != s.ByteRange {
			return fmt.Errorf("%w: segment %d was %s, is %s", ErrStepBack, s.Sequence, was.URI, s.URI)
		}
	}
	return nil
}
