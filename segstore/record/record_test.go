package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
	"time"
)

// made is a record with these strings, and then none.
func made(r Record, given ...string) []byte {
	var texts [Texts]*string
	for i := range texts {
		texts[i] = new(string)
		if i < len(given) {
			texts[i] = &given[i]
		}
	}
	return r.Encode(texts)
}

// read is what Decode finds.
func read(b []byte) (r Record, texts [Texts]string, err error) {
	var into [Texts]*string
	for i := range into {
		into[i] = &texts[i]
	}
	r, err = Decode(b, into)
	return r, texts, err
}

// What was encoded is decoded the same; one byte less, more or other is damage.
func TestARecordIsReadAsItWasWritten(t *testing.T) {
	want := Record{Number: 7, Size: 1 << 40, Status: 404, Stored: time.Unix(1_900_000_000, 5), Fresh: time.Time{}}
	b := made(want, "video/mp4", "", `"tag"`)
	r, texts, err := read(b)
	if err != nil || r != want || texts != [Texts]string{"video/mp4", "", `"tag"`} {
		t.Fatalf("%+v, %q, %v", r, texts, err)
	}
	for i := range b {
		other := append([]byte(nil), b...)
		other[i] ^= 1
		if _, _, err := read(other); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d: %v", i, err)
		}
		if _, _, err := read(b[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	for name, body := range map[string][]byte{
		"longer":     append(append([]byte(nil), b[:len(b)-4]...), 0),
		"version 5":  append([]byte{5}, b[1:len(b)-4]...),
		"no number":  made(Record{Size: 1})[:len(made(Record{Size: 1}))-4],
		"below zero": made(Record{Number: 1, Size: -1})[:len(made(Record{Number: 1, Size: -1}))-4],
	} {
		if _, _, err := read(binary.BigEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s, with its sum: %v", name, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(made(Record{Number: 3, Status: 200, Size: 9}, "video/mp4"))
	f.Add(made(Record{Number: 4, Status: 200}, "", "", "", "", "", "", "accept:1", "", "", "Server: x\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, texts, err := read(b)
		if err != nil {
			return
		}
		again, same, err := read(made(r, texts[:]...))
		if err != nil || again != r || same != texts {
			t.Errorf("%+v %q became %+v %q, %v", r, texts, again, same, err)
		}
	})
}
