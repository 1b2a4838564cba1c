package segstore

import (
	"fmt"
	"strings"
	"time"

	"tandem/segstore/record"
)

// Key names an object: path and query at the origin, "/sample/720/1.m4s".
type Key = string

const (
	maxKey  = 16<<10 + 64     // bytes of a key: a target, and the mark of a variant
	maxMeta = record.MaxTexts // bytes of all strings of a Meta together
)

// Meta is what travels with an object.
type Meta struct {
	Status       int // 200, or a cacheable error (404, 410), which is always volatile; 0 means 200
	ContentType  string
	ETag         string
	LastModified string
	CacheControl string
	Encoding     string
	Expires      string
	Vary         string    // what of a request selects this object; the caller's notation
	Fields       string    // other fields of the answer, lines "Name: value\r\n"; carried, not understood
	Size         int64     // bytes of the body; -1: not known yet
	Digest       string    // sha-256 of the body in hex; "" until complete
	Stored       time.Time // when the copy was made from the origin; travels with copies
	Fresh        time.Time // fresh until; zero: forever
	Volatile     bool      // memory only, never on disk
	Stream       string
	Pairs        Pairs // for which it was fetched or given out
	Tags         Tags  // by which it can be deleted
}

// Tags are names that an origin gives to objects that go together, each between
// spaces: " film-7 drama ".
type Tags string

// Has tells whether a name is among them.
func (t Tags) Has(name string) bool { return strings.Contains(string(t), " "+name+" ") }

// texts lists the strings of m, in the order of a record: new ones come last.
func (m *Meta) texts() [record.Texts]*string {
	return [record.Texts]*string{
		&m.ContentType, &m.ETag, &m.LastModified, &m.CacheControl, &m.Encoding,
		&m.Expires, &m.Vary, &m.Digest, &m.Stream, &m.Fields, (*string)(&m.Pairs), (*string)(&m.Tags),
	}
}

// record is the object's in the index, its body in the file of that number.
func (m *Meta) record(number uint64) []byte {
	return record.Record{Number: number, Size: m.Size, Status: m.Status, Stored: m.Stored, Fresh: m.Fresh}.Encode(m.texts())
}

// decodeRecord is the inverse of Meta.record.
func decodeRecord(b []byte) (number uint64, m *Meta, err error) {
	m = &Meta{}
	r, err := record.Decode(b, m.texts())
	if err != nil {
		return 0, nil, err
	}
	m.Size, m.Status, m.Stored, m.Fresh = r.Size, r.Status, r.Stored, r.Fresh
	return r.Number, m, nil
}

// length is that of all strings together.
func (m *Meta) length() int {
	total := 0
	for _, text := range m.texts() {
		total += len(*text)
	}
	return total
}

// settle completes what a Source left out, and refuses what is out of bounds.
func (m *Meta) settle(now time.Time) error {
	if total := m.length(); total > maxMeta {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrMeta, total, maxMeta)
	}
	if m.Status == 0 {
		m.Status = 200
	}
	if m.Status < 0 || m.Status > 999 {
		return fmt.Errorf("%w: status %d", ErrMeta, m.Status)
	}
	// A negative answer must not outlive the process: whoever restarts an edge to
	// get rid of a wrong 404 is right.
	if m.Status != 200 {
		m.Volatile = true
	}
	if m.Size < 0 {
		m.Size = -1
	}
	if m.Stored.IsZero() {
		m.Stored = now
	}
	return nil
}

// Rebase lays the times of a copy that were told, by a neighbour or by the disk, onto this
// process's own: by that (package time's monotonic clock) a copy ages as time passes, and a
// clock that is set, as by an hour, makes none stale and keeps none fresh. A copy that was
// made in the future, by a neighbour's clock or by this one's before it was set back, was
// made now, and is fresh for as long as it was to be.
func (m *Meta) Rebase(now time.Time) {
	ahead := max(m.Stored.Sub(now), 0)
	for _, t := range []*time.Time{&m.Stored, &m.Fresh} {
		if !t.IsZero() {
			*t = now.Add(t.Sub(now) - ahead)
		}
	}
}

// revalidated is m after the origin said that the body has not changed: what the
// answer names is new, what it does not name stays.
func (m Meta) revalidated(by Meta) Meta {
	size, digest, pairs := m.Size, m.Digest, m.Pairs.With(by.Pairs)
	from := by.texts()
	for i, text := range m.texts() {
		if *from[i] != "" {
			*text = *from[i]
		}
	}
	m.Size, m.Digest, m.Pairs = size, digest, pairs
	m.Fresh = by.Fresh
	if !by.Stored.IsZero() {
		m.Stored = by.Stored
	}
	return m
}

func checkKey(key Key) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("%w: %d bytes", ErrKey, len(key))
	}
	return nil
}
