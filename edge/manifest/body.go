package manifest

import (
	"context"
	"fmt"

	"tandem/internal/media"
	"tandem/segstore"
)

// bodyOf is the body of a complete view, as it is stored, in the room that it needs
// while it is read.
func (c *Cache) bodyOf(view *segstore.View) (body []byte, leave func(), err error) {
	m, leave := view.Meta(), func() {}
	if m.Size > c.cfg.Limit {
		return nil, leave, fmt.Errorf("%w: %d bytes, at most %d", media.ErrTooLarge, m.Size, c.cfg.Limit)
	}
	body = view.Bytes()
	for size := int64(Sniffed); body == nil && m.Size > 0; size = media.Prologue {
		head := make([]byte, min(m.Size, size))
		if n, err := view.ReadAt(head, 0); n < len(head) {
			return nil, leave, fmt.Errorf("%w: %w", ErrNone, err)
		}
		if int64(len(head)) < size || size == media.Prologue || !Wants(m.Encoding, head) {
			body = head
		}
	}
	if media.ManifestKind(m.ContentType, Beginning(m.Encoding, body[:min(len(body), media.Prologue)])) == media.Other {
		return nil, leave, media.ErrNoManifest // most of what may be one is none
	}
	if leave, err = c.Enter(context.Background(), m.Encoding, m.Size); err != nil { // for whoever waits for this version
		return nil, leave, err
	}
	if m.Size > int64(len(body)) {
		body = make([]byte, m.Size)
		if n, err := view.ReadAt(body, 0); n < len(body) {
			return nil, leave, fmt.Errorf("%w: %w", ErrNone, err)
		}
	}
	return body, leave, nil
}

// Sniffed is how much of a body tells whether it is a manifest, unless it wants more.
const Sniffed = 4096
