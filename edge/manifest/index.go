package manifest

import (
	"fmt"

	"tandem/edge/rules"
	"tandem/internal/cachekey"
	"tandem/internal/media"
	"tandem/segstore"
)

// Bounds of the indexes of files.
const (
	maxIndex   = 1 << 20 // bytes of one
	maxIndexes = 500
)

// Index is the index of a file's segments, where the file is stored, or the slices
// that it lies in are; nil: they are not, or it has none.
func (c *Cache) Index(o media.Object) *media.Index {
	key, ok := cachekey.Of(o.Target)
	if !ok || o.Range.Length <= 0 || o.Range.Length > maxIndex {
		return nil
	}
	views, ok := c.whole(key, o.Range)
	if !ok {
		if views, ok = c.slices(key, o.Range); !ok {
			return nil
		}
	}
	defer views.close()
	name := fmt.Sprintf("%s\x00%s\x00%d+%d", key, views.version, o.Range.First, o.Range.Length)
	c.mu.Lock()
	known := c.indexes[name]
	c.mu.Unlock()
	if known != nil {
		return known
	}
	box, ok := views.read(o.Range)
	if !ok {
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

// views are the stored pieces of a file that a range of it lies in.
type views struct {
	list    []*segstore.View
	begin   int64  // of the first one in the file
	version string // of the file
}

func (v *views) close() {
	for _, view := range v.list {
		view.Close()
	}
}

// read reads a range out of them.
func (v *views) read(r media.ByteRange) ([]byte, bool) {
	out := make([]byte, 0, r.Length)
	at := v.begin
	for _, view := range v.list {
		from := r.First + int64(len(out)) - at
		part := out[len(out):min(int64(cap(out)), int64(len(out))+view.Size()-from)]
		if n, err := view.ReadAt(part, from); n < len(part) && err != nil {
			return nil, false
		}
		out, at = out[:len(out)+len(part)], at+view.Size()
	}
	return out, int64(len(out)) == r.Length
}

// whole is the copy of a file.
func (c *Cache) whole(key string, r media.ByteRange) (v views, ok bool) {
	view, ok := c.store.Peek(key)
	if !ok {
		return v, false
	}
	v = views{list: []*segstore.View{view}, version: view.Meta().Digest}
	if !view.Complete() || r.First+r.Length > view.Size() {
		v.close()
		return v, false
	}
	return v, true
}

// slices are those of a file that a range lies in, all of one version.
func (c *Cache) slices(key string, r media.ByteRange) (v views, ok bool) {
	first, last := r.First/rules.SliceSize, (r.First+r.Length-1)/rules.SliceSize
	v.begin = first * rules.SliceSize
	for n := first; n <= last; n++ {
		view, ok := c.store.Peek(rules.SliceKey(key, n))
		if !ok {
			v.close()
			return v, false
		}
		v.list = append(v.list, view)
		file, begin, isPart := rules.Whole(view.Meta())
		version := fmt.Sprintf("%s of %d", file.ETag, file.Size)
		if n == first {
			v.version = version
		}
		if !isPart || !view.Complete() || begin != n*rules.SliceSize || version != v.version || r.First+r.Length > file.Size {
			v.close()
			return v, false
		}
	}
	return v, true
}
