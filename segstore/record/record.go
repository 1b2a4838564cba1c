// Package record is the form of one object in the index.
//
// A record is: version, file number, size, status, the two times in unix nanoseconds (0:
// none), the strings of the metadata each after its length, and a CRC-32C over all that.
//
// Versions 1 and 2 have a number behind the status that nobody read; 1 ends before the last
// three strings, 2 before the last two and 3 before the last. They are still read, and written
// as version 4 when their metadata changes.
//
// Always true: what was encoded is decoded the same; what was damaged is ErrDamaged, and costs
// no more memory than its bytes. Goroutines: none.
package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

const version = 4

// textsOf is how many strings a record has, by version.
var textsOf = [...]int{1: 9, 2: 10, 3: 11, 4: Texts}

const (
	Texts    = 12    // strings of a record
	MaxTexts = 16384 // bytes of them together
)

// ErrDamaged is for a record that can't be read.
var ErrDamaged = errors.New("segstore: record is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Record is what a record says beside its strings.
type Record struct {
	Number uint64 // of the file
	Size   int64  // of the body in bytes
	Status int
	Stored time.Time // zero: not known
	Fresh  time.Time // zero: for ever
}

// Encode makes a record with its strings.
func (r Record) Encode(texts [Texts]*string) []byte {
	b := make([]byte, 0, 256)
	b = append(b, version)
	b = binary.AppendUvarint(b, r.Number)
	b = binary.AppendVarint(b, r.Size)
	b = binary.AppendUvarint(b, uint64(r.Status))
	b = binary.AppendVarint(b, Nanos(r.Stored))
	b = binary.AppendVarint(b, Nanos(r.Fresh))
	for _, text := range texts {
		b = binary.AppendUvarint(b, uint64(len(*text)))
		b = append(b, *text...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Decode reads a record, and its strings into texts: it copies what it keeps, since b belongs
// to the index's transaction.
func Decode(b []byte, texts [Texts]*string) (Record, error) {
	if len(b) < 5 || len(b) > MaxTexts+256 {
		return Record{}, ErrDamaged
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if v := body[0]; crc32.Checksum(body, castagnoli) != sum || v < 1 || v > version {
		return Record{}, ErrDamaged
	}
	from, r := reader{rest: body[1:]}, Record{}
	r.Number = from.unsigned()
	r.Size = from.signed()
	r.Status = int(from.unsigned())
	if body[0] < 3 {
		from.unsigned()
	}
	r.Stored = Moment(from.signed())
	r.Fresh = Moment(from.signed())
	for _, text := range texts[:textsOf[body[0]]] {
		*text = from.text()
	}
	if from.bad || len(from.rest) > 0 || r.Size < 0 || r.Number == 0 {
		return Record{}, ErrDamaged
	}
	return r, nil
}

// reader takes values off rest; bad says that one was not there.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) unsigned() uint64 {
	value, n := binary.Uvarint(r.rest)
	r.skip(n)
	return value
}

func (r *reader) signed() int64 {
	value, n := binary.Varint(r.rest)
	r.skip(n)
	return value
}

func (r *reader) skip(n int) {
	if n <= 0 {
		r.bad, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *reader) text() string {
	n := r.unsigned()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

// Nanos is a time in unix nanoseconds, 0 for none.
func Nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Moment is the inverse of Nanos.
func Moment(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
