package segstore

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// A record is one object in the index: version, file number, size, status, the two
// times in unix nanoseconds (0: none), the strings of the metadata each after its
// length, and a CRC-32C over all that.
//
// Versions 1 and 2 have a number behind the status that nobody read, 1 ends before
// Meta.Fields, 2 before Meta.Pairs and 3 before Meta.Tags. They are still read, and
// written as version 4 when their metadata changes.

const recordVersion = 4

// textsOf are the strings of a record by version.
var textsOf = [...]int{1: 9, 2: 10, 3: 11, 4: 12}

var (
	errRecord  = errors.New("segstore: record is damaged")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func encodeRecord(number uint64, m *Meta) []byte {
	b := make([]byte, 0, 256)
	b = append(b, recordVersion)
	b = binary.AppendUvarint(b, number)
	b = binary.AppendVarint(b, m.Size)
	b = binary.AppendUvarint(b, uint64(m.Status))
	b = binary.AppendVarint(b, nanos(m.Stored))
	b = binary.AppendVarint(b, nanos(m.Fresh))
	for _, text := range m.texts() {
		b = binary.AppendUvarint(b, uint64(len(*text)))
		b = append(b, *text...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeRecord copies what it keeps: b belongs to the index's transaction.
func decodeRecord(b []byte) (number uint64, m *Meta, err error) {
	if len(b) < 5 || len(b) > maxMeta+256 {
		return 0, nil, errRecord
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if version := body[0]; crc32.Checksum(body, castagnoli) != sum || version < 1 || version > recordVersion {
		return 0, nil, errRecord
	}
	r := recordReader{rest: body[1:]}
	m = &Meta{}
	number = r.unsigned()
	m.Size = r.signed()
	m.Status = int(r.unsigned())
	if body[0] < 3 {
		r.unsigned()
	}
	m.Stored = moment(r.signed())
	m.Fresh = moment(r.signed())
	texts := m.texts()
	for _, text := range texts[:textsOf[body[0]]] {
		*text = r.text()
	}
	if r.bad || len(r.rest) > 0 || m.Size < 0 || number == 0 {
		return 0, nil, errRecord
	}
	return number, m, nil
}

// recordReader takes values off rest; bad says that one was not there.
type recordReader struct {
	rest []byte
	bad  bool
}

func (r *recordReader) unsigned() uint64 {
	value, n := binary.Uvarint(r.rest)
	r.skip(n)
	return value
}

func (r *recordReader) signed() int64 {
	value, n := binary.Varint(r.rest)
	r.skip(n)
	return value
}

func (r *recordReader) skip(n int) {
	if n <= 0 {
		r.bad, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}

func (r *recordReader) text() string {
	n := r.unsigned()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
