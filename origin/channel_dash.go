package origin

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"tandem/internal/media"
)

// dashScale is the timescale of the channel's timelines.
const dashScale = 90000

// manifest is the MPD at one moment: a Period for each loop that the window
// touches, so that the times inside the files stay as they are. Segments keep
// the numbers, and so the URIs, that they have in HLS. The text changes once a
// second at most, and is the same at every origin.
func (c *channel) manifest(name string, tracks []*loopTrack, now time.Time) []byte {
	target := time.Duration(0)
	for _, t := range tracks {
		target = max(target, t.target)
	}
	var b bytes.Buffer
	second := now.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05Z")
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="%s" minimumUpdatePeriod="%s" timeShiftBufferDepth="%s" suggestedPresentationDelay="%s" maxSegmentDuration="%s" minBufferTime="%s">
`, second, xmlTime(target), xmlTime(time.Duration(c.window)*target), xmlTime(3*target), xmlTime(target+time.Second), xmlTime(2*target))
	first, last := c.loops(tracks, now)
	for loop := first; loop <= last; loop++ {
		c.period(&b, name, tracks, loop, now)
	}
	fmt.Fprintf(&b, "  <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"%s\"/>\n</MPD>\n", second)
	return b.Bytes()
}

// loops are the loops of which every rendition has a segment in its window: a
// player must not think that a period lacks sound or pictures.
func (c *channel) loops(tracks []*loopTrack, now time.Time) (first, last int64) {
	for i, t := range tracks {
		from, to := t.line.window(now, c.window)
		a, _ := t.line.place(from)
		b, _ := t.line.place(max(0, to))
		if i == 0 {
			first, last = a, b
		}
		first, last = max(first, a), min(last, b)
	}
	return first, last
}

func (c *channel) period(b *bytes.Buffer, name string, tracks []*loopTrack, loop int64, now time.Time) {
	fmt.Fprintf(b, "  <Period id=\"%d\" start=\"%s\">\n", loop, xmlTime(time.Duration(loop)*c.length))
	for set := range sets(tracks) {
		var members []*loopTrack
		for _, t := range tracks {
			if t.format.Set == set {
				members = append(members, t)
			}
		}
		if len(members) == 0 {
			continue
		}
		f := members[0].format
		fmt.Fprintf(b, "    <AdaptationSet id=\"%d\"%s%s segmentAlignment=\"true\" startWithSAP=\"1\">\n", set, xmlText("contentType", f.ContentType), xmlText("lang", f.Lang))
		for _, t := range members {
			c.representation(b, name, t, loop, now)
		}
		b.WriteString("    </AdaptationSet>\n")
	}
	b.WriteString("  </Period>\n")
}

// sets counts the adaptation sets.
func sets(tracks []*loopTrack) int {
	return 1 + slices.MaxFunc(tracks, func(a, b *loopTrack) int { return a.format.Set - b.format.Set }).format.Set
}

func (c *channel) representation(b *bytes.Buffer, name string, t *loopTrack, loop int64, now time.Time) {
	n := int64(len(t.paths))
	first, last := t.line.window(now, c.window)
	first, last = max(first, loop*n), min(last, loop*n+n-1)
	fmt.Fprintf(b, "      <Representation%s bandwidth=\"%d\"%s>\n", xmlText("id", t.format.ID), t.format.Bandwidth, formatText(t.format))
	media := relative(name, path.Join(t.dir, "s$Number$"+t.ext))
	initialization := ""
	if t.init != "" {
		initialization = relative(name, t.initName())
	}
	fmt.Fprintf(b, "        <SegmentTemplate timescale=\"%d\" presentationTimeOffset=\"0\" startNumber=\"%d\"%s%s>\n          <SegmentTimeline>\n",
		dashScale, first, xmlText("initialization", initialization), xmlText("media", media))
	for sequence := first; sequence <= last; {
		_, i := t.line.place(sequence)
		begin, span, repeat := t.units(i), t.units(i+1)-t.units(i), 0
		for sequence++; sequence <= last; sequence++ {
			if _, j := t.line.place(sequence); t.units(j+1)-t.units(j) != span {
				break
			}
			repeat++
		}
		fmt.Fprintf(b, "            <S t=\"%d\" d=\"%d\" r=\"%d\"/>\n", begin, span, repeat)
	}
	b.WriteString("          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n")
}

// units is where segment i begins, in dashScale; the rounding does not add up.
func (t *loopTrack) units(i int) int64 {
	d := t.line.begin(i)
	return int64(d/time.Second)*dashScale + int64((d%time.Second)*dashScale+time.Second/2)/int64(time.Second)
}

func formatText(f media.Format) string {
	text := xmlText("mimeType", f.MimeType) + xmlText("codecs", f.Codecs) + xmlText("frameRate", f.FrameRate) + xmlText("audioSamplingRate", f.AudioSamplingRate)
	if f.Width > 0 && f.Height > 0 {
		text += fmt.Sprintf(" width=\"%d\" height=\"%d\"", f.Width, f.Height)
	}
	return text
}

// xmlText is an attribute with a space before it; nothing when it is empty.
func xmlText(name, value string) string {
	if value == "" {
		return ""
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value)) // a strings.Builder does not fail
	return " " + name + `="` + b.String() + `"`
}

// xmlTime is an xs:duration in seconds.
func xmlTime(d time.Duration) string {
	return fmt.Sprintf("PT%d.%06dS", d/time.Second, d%time.Second/time.Microsecond)
}
