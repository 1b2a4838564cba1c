package media

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"
)

// sidx makes a box of version v that lies directly before its segments.
func sidx(v byte, scale uint32, begin, offset uint64, segments ...[2]uint32) []byte {
	b := append([]byte("____sidx"), v, 0, 0, 0, 0, 0, 0, 1)
	b = binary.BigEndian.AppendUint32(b, scale)
	if v == 0 {
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(begin)), uint32(offset))
	} else {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, begin), offset)
	}
	b = binary.BigEndian.AppendUint16(append(b, 0, 0), uint16(len(segments)))
	for _, s := range segments {
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, s[0]), s[1])
		b = append(b, 0x90, 0, 0, 0)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func TestIndexOfAFileTellsItsSegments(t *testing.T) {
	m := parsed(t, site(t, "http://o.example", "/m.mpd"), `<MPD mediaPresentationDuration="PT9S"><Period><AdaptationSet contentType="audio"><Representation id="a"><BaseURL>a.mp4</BaseURL>
		<SegmentBase indexRange="500-999" timescale="1000" presentationTimeOffset="4000"/></Representation></AdaptationSet></Period></MPD>`)
	for v := range byte(2) {
		head := append([]byte{0, 0, 0, 12}, "stypxxxx"...)
		box := append(head, sidx(v, 1000, 4000, 10, [2]uint32{100, 2000}, [2]uint32{200, 3000}, [2]uint32{50, 1500})...)
		begin := int64(500+len(box)) + 10
		ref, ok := m.Locate("/a.mp4", ByteRange{First: begin + 100, Length: 200})
		if !ok || ref.Index.Target != "/a.mp4" || ref.Index.Range != (ByteRange{First: 500, Length: 500}) {
			t.Fatalf("%+v", ref)
		}
		x, err := ParseIndex(box, ref.Index.Range.First, "/a.mp4")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			first, length int64
			want          string
		}{
			{begin, 100, "audio 1 0s+2s"},
			{begin + 100, 200, "audio 2 2s+3s"},
			{begin + 150, 10, "audio 2 2s+3s"},
			{begin + 300, 0, "audio 3 5s+1.5s"},
			{begin, 300, "audio 2 2s+3s"},
			{begin, 350, "audio 3 5s+1.5s"},
			{begin + 350, 1, "unknown"},
			{0, 600, "unknown"},
		} {
			if got := where(x.Locate(ref, ByteRange{First: c.first, Length: c.length})); got != c.want {
				t.Errorf("version %d, %d+%d: %s, want %s", v, c.first-begin, c.length, got, c.want)
			}
		}
		second, _ := x.Locate(ref, ByteRange{First: begin + 100, Length: 200})
		next := x.Next(second, 9)
		if len(next) != 1 || next[0].Range != (ByteRange{First: begin + 300, Length: 50}) || next[0].Target != "/a.mp4" || next[0].Sequence != 3 || next[0].Duration != 1500*time.Millisecond {
			t.Errorf("%+v", next)
		}
	}
}

func TestWhatIsNoIndexIsRefused(t *testing.T) {
	good := sidx(0, 1, 0, 0, [2]uint32{1, 1})
	for _, b := range [][]byte{nil, []byte("sidx"), good[:len(good)-1], sidx(0, 0, 0, 0), append([]byte{0, 0, 0, 3}, "sidx"...), {0, 0, 0, 8, 's', 'i', 'd', 'x'}, sidx(1, 1, 1<<63, 0)} {
		if _, err := ParseIndex(b, 0, "/x"); !errors.Is(err, ErrIndex) {
			t.Errorf("%x: %v", b, err)
		}
	}
}
