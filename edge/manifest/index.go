package manifest

import (
	"fmt"

	"tandem/internal/cachekey"
	"tandem/internal/media"
)

// Bounds of the indexes of files.
const (
	maxIndex   = 1 << 20 // bytes of one
	maxIndexes = 500
)

// Index is the index of a file's segments, where the file is stored whole; nil: it
// is not, or has none.
func (c *Cache) Index(o media.Object) *media.Index {
	key, ok := cachekey.Of(o.Target)
	if !ok || o.Range.Length <= 0 || o.Range.Length > maxIndex {
		return nil
	}
	view, ok := c.store.Peek(key)
	if !ok {
		return nil
	}
	defer view.Close()
	m := view.Meta()
	if !view.Complete() || o.Range.First+o.Range.Length > m.Size {
		return nil
	}
	name := fmt.Sprintf("%s\x00%s\x00%d+%d", key, m.Digest, o.Range.First, o.Range.Length)
	c.mu.Lock()
	known := c.indexes[name]
	c.mu.Unlock()
	if known != nil {
		return known
	}
	box := make([]byte, o.Range.Length)
	if n, err := view.ReadAt(box, o.Range.First); n < len(box) && err != nil {
		return nil
	}
	made, err := media.ParseIndex(box, o.Range.First, o.Target)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.indexes) >= maxIndexes {
		clear(c.indexes)
	}
	c.indexes[name] = made
	return made
}
