package origin

import (
	"bytes"
	"fmt"
	"time"
)

const dateForm = "2006-01-02T15:04:05.000Z"

// playlist is the media playlist of a rendition at one moment. The first segment
// of each loop is a discontinuity; the discontinuity sequence counts those that
// have left the playlist (RFC 8216 6.2.2), which is the number of the loop that
// the segment before the first one belongs to.
func (c *channel) playlist(name string, t *loopTrack, now time.Time) []byte {
	first, last := t.line.window(now, c.window)
	gone, index := t.line.place(first)
	if index == 0 && gone > 0 {
		gone-- // the first segment's own tag is still in the playlist
	}
	var b bytes.Buffer
	version := 3
	if t.init != "" {
		version = 7
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n",
		version, int(t.target/time.Second), first, gone)
	for sequence := first; sequence <= last; sequence++ {
		_, i := t.line.place(sequence)
		wrapped := i == 0 && sequence > 0
		if wrapped {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if wrapped || sequence == first {
			if t.init != "" {
				fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", relative(name, t.initName()))
			}
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", t.line.begins(sequence).UTC().Format(dateForm))
		}
		fmt.Fprintf(&b, "#EXTINF:%.6f,\n%s\n", t.spans[i].Seconds(), relative(name, t.segmentName(sequence)))
	}
	return b.Bytes()
}
