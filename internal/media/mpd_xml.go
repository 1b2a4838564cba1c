package media

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The parts of an MPD (ISO/IEC 23009-1) that say where segments are.
type (
	xmlMPD struct {
		Type           string      `xml:"type,attr"`
		Duration       xmlDuration `xml:"mediaPresentationDuration,attr"`
		Update         xmlDuration `xml:"minimumUpdatePeriod,attr"`
		Depth          xmlDuration `xml:"timeShiftBufferDepth,attr"`
		Delay          xmlDuration `xml:"suggestedPresentationDelay,attr"`
		AvailableSince string      `xml:"availabilityStartTime,attr"`
		BaseURL        []string    `xml:"BaseURL"`
		Periods        []xmlPeriod `xml:"Period"`
	}
	xmlPeriod struct {
		ID       string         `xml:"id,attr"`
		Start    *xmlDuration   `xml:"start,attr"`
		Duration xmlDuration    `xml:"duration,attr"`
		BaseURL  []string       `xml:"BaseURL"`
		Sets     []xmlAdaptions `xml:"AdaptationSet"`
		xmlAddressing
	}
	xmlAdaptions struct {
		ID              string              `xml:"id,attr"`
		ContentType     string              `xml:"contentType,attr"`
		Lang            string              `xml:"lang,attr"`
		BaseURL         []string            `xml:"BaseURL"`
		Representations []xmlRepresentation `xml:"Representation"`
		xmlFormat
		xmlAddressing
	}
	xmlRepresentation struct {
		ID        string   `xml:"id,attr"`
		Bandwidth int64    `xml:"bandwidth,attr"`
		BaseURL   []string `xml:"BaseURL"`
		xmlFormat
		xmlAddressing
	}
	xmlFormat struct {
		MimeType          string `xml:"mimeType,attr"`
		Codecs            string `xml:"codecs,attr"`
		Width             int    `xml:"width,attr"`
		Height            int    `xml:"height,attr"`
		FrameRate         string `xml:"frameRate,attr"`
		AudioSamplingRate string `xml:"audioSamplingRate,attr"`
	}
	xmlAddressing struct {
		Template *xmlSegments `xml:"SegmentTemplate"`
		List     *xmlSegments `xml:"SegmentList"`
		Single   *xmlSegments `xml:"SegmentBase"`
	}
	// xmlSegments is SegmentTemplate, SegmentList or SegmentBase: each has some
	// of these. What is nil is inherited.
	xmlSegments struct {
		Media       *string      `xml:"media,attr"`
		Init        *string      `xml:"initialization,attr"`
		Timescale   *uint64      `xml:"timescale,attr"`
		Duration    *float64     `xml:"duration,attr"`
		StartNumber *int64       `xml:"startNumber,attr"`
		EndNumber   *int64       `xml:"endNumber,attr"`
		Timeline    *xmlTimeline `xml:"SegmentTimeline"`
		InitElement *xmlURL      `xml:"Initialization"`
		URLs        []xmlURL     `xml:"SegmentURL"`
	}
	xmlTimeline struct {
		S []xmlS `xml:"S"`
	}
	xmlS struct {
		T *int64 `xml:"t,attr"`
		N *int64 `xml:"n,attr"`
		D int64  `xml:"d,attr"`
		R int64  `xml:"r,attr"`
	}
	xmlURL struct {
		SourceURL  string `xml:"sourceURL,attr"`
		Media      string `xml:"media,attr"`
		MediaRange string `xml:"mediaRange,attr"`
	}
)

// over is the addressing of an inner element with what it inherits from an
// outer one.
func (s *xmlSegments) over(outer *xmlSegments) *xmlSegments {
	if s == nil {
		return outer
	}
	if outer == nil {
		return s
	}
	merged := *s
	inherit(&merged.Media, outer.Media)
	inherit(&merged.Init, outer.Init)
	inherit(&merged.Timescale, outer.Timescale)
	inherit(&merged.Duration, outer.Duration)
	inherit(&merged.StartNumber, outer.StartNumber)
	inherit(&merged.EndNumber, outer.EndNumber)
	inherit(&merged.Timeline, outer.Timeline)
	inherit(&merged.InitElement, outer.InitElement)
	if len(merged.URLs) == 0 {
		merged.URLs = outer.URLs
	}
	return &merged
}

func inherit[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}

func (a xmlAddressing) over(outer xmlAddressing) xmlAddressing {
	return xmlAddressing{a.Template.over(outer.Template), a.List.over(outer.List), a.Single.over(outer.Single)}
}

func (f xmlFormat) over(outer xmlFormat) xmlFormat {
	for _, p := range []struct {
		to   *string
		from string
	}{{&f.MimeType, outer.MimeType}, {&f.Codecs, outer.Codecs}, {&f.FrameRate, outer.FrameRate}, {&f.AudioSamplingRate, outer.AudioSamplingRate}} {
		if *p.to == "" {
			*p.to = p.from
		}
	}
	if f.Width == 0 {
		f.Width = outer.Width
	}
	if f.Height == 0 {
		f.Height = outer.Height
	}
	return f
}

// xmlDuration is an xs:duration: PT1M30.5S.
type xmlDuration time.Duration

var durationForm = regexp.MustCompile(`^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d*)?)S)?)?$`)

// UnmarshalText takes a year for 365 days and a month for 30.
func (d *xmlDuration) UnmarshalText(text []byte) error {
	if len(text) > 64 {
		return fmt.Errorf("%.40q is no duration", text)
	}
	parts := durationForm.FindStringSubmatch(strings.TrimSpace(string(text)))
	if parts == nil {
		return fmt.Errorf("%q is no duration like PT2.5S", text)
	}
	sum := 0.0
	for i, seconds := range []float64{365 * 86400, 30 * 86400, 86400, 3600, 60, 1} {
		if parts[i+1] == "" {
			continue
		}
		f, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil {
			return fmt.Errorf("%q is no duration", text)
		}
		sum += f * seconds
	}
	// Programmes that began at the Unix epoch are 1.8e9 s long; 9.2e9 s is
	// what a time.Duration can hold.
	if sum > 9e9 {
		return fmt.Errorf("%q is too long", text)
	}
	*d = xmlDuration(math.Round(sum * float64(time.Second)))
	return nil
}
