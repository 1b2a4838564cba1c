// Package track is what manifests of all forms have in common: kinds of tracks,
// places in them, and what is asked for next.
//
// Always true: these are values that say nothing of how they were found. The
// package starts no goroutine.
package track

import (
	"bytes"
	"errors"
	"strings"
	"time"
)

// Kind is what a track of a session is.
type Kind uint8

// Kinds of tracks. Trick play and pictures are Other.
const (
	Other Kind = iota
	Video
	Audio
	Subtitles
)

// String is the kind's name in logs and on the wire.
func (k Kind) String() string { return [...]string{"other", "video", "audio", "subtitles"}[k&3] }

// KindOfCodecs is the kind of a track with these codecs (RFC 6381): video when
// any is video.
func KindOfCodecs(codecs []byte) (kind Kind, ok bool) {
	for len(codecs) > 0 {
		codec := codecs
		if comma := bytes.IndexByte(codecs, ','); comma >= 0 {
			codec, codecs = codecs[:comma], codecs[comma+1:]
		} else {
			codecs = nil
		}
		codec, _, _ = bytes.Cut(bytes.TrimSpace(codec), []byte("."))
		switch strings.ToLower(string(codec)) {
		case "":
			continue
		case "mp4a", "mp3", "ac-3", "ec-3", "ac-4", "opus", "flac", "alac", "vorbis", "dtsc", "dtse", "dtsh", "dtsl", "dtsx", "dtsy", "mha1", "mhm1", "mhm2", "iamf", "samr", "sawb":
			if kind != Video {
				kind = Audio
			}
		case "stpp", "wvtt", "stxt", "tx3g":
			if !ok {
				kind = Subtitles
			}
		default:
			kind = Video
		}
		ok = true
	}
	return kind, ok
}

// KindOfName guesses the kind of a track by the extension of a segment.
func KindOfName(path []byte) Kind {
	path, _, _ = bytes.Cut(path, []byte("?"))
	dot := bytes.LastIndexByte(path, '.')
	if dot < 0 {
		return Video
	}
	switch strings.ToLower(string(path[dot+1:])) {
	case "vtt", "webvtt", "ttml", "srt", "stl", "cmft":
		return Subtitles
	case "aac", "m4a", "mp3", "mp2", "ac3", "ec3", "ac4", "opus", "oga", "flac", "cmfa":
		return Audio
	case "jpg", "jpeg", "png", "webp":
		return Other
	}
	return Video
}

// KindOfContent is the kind of a track of a MIME or content type.
func KindOfContent(content []byte, otherwise Kind) Kind {
	major, minor, _ := strings.Cut(string(content), "/")
	minor, _, _ = strings.Cut(minor, ";")
	switch {
	case major == "video":
		return Video
	case major == "audio":
		return Audio
	case major == "text", minor == "ttml+xml":
		return Subtitles
	case major == "image":
		return Other
	default:
		return otherwise
	}
}

// ByteRange is a part of an object. The zero value is all of it.
type ByteRange struct {
	First  int64
	Length int64 // 0: to the end
}

// Whole tells that it is no part.
func (r ByteRange) Whole() bool { return r == ByteRange{} }

// Ref is a place in a manifest: of a segment, a part or an initialisation segment.
type Ref struct {
	Track          Kind
	Representation string // @id in an MPD, "" in HLS
	Init           bool   // an initialisation segment: no position
	Sequence       int64  // grows along the track; the time in a name with $Time$; -1 unknown
	Part           int    // of LL-HLS, -1: the whole segment
	Time           time.Duration
	Duration       time.Duration
	Range          ByteRange // of its file that it is; the zero value: the file is the segment
	// Index is where the index of a file's segments lies (SegmentBase); "" when it
	// has none. See media.ParseIndex.
	Index Object

	Entry int // of the manifest's own index: where Next goes on
}

// Object is something to be asked for.
type Object struct {
	Target   string // as the cluster calls it
	Range    ByteRange
	Sequence int64
	Duration time.Duration
	// Available is when a live segment may be asked for by its MPD; zero: now.
	Available time.Time
}

// MaxSegments is how many segments Tracks lists at most.
const MaxSegments = 100_000

var ErrTooMany = errors.New("more segments than are listed at once")

// Seg is one segment of a track that is listed whole.
type Seg struct {
	Sequence      int64
	URI           string // as the cluster calls it
	Duration      time.Duration
	Discontinuity bool
	Range         ByteRange
	Map           string // its initialisation segment, "": none
}

// Track is one rendition, its segments listed in playing order.
type Track struct {
	Init     string // the first initialisation segment, "": none
	Segments []Seg
	Format   Format // what an MPD says of it
}

// Format is what an MPD says of a representation.
type Format struct {
	ID                string
	Set               int // number of its adaptation set in the period
	ContentType       string
	MimeType          string
	Codecs            string
	Lang              string
	Bandwidth         int64 // bits a second
	Width, Height     int
	FrameRate         string
	AudioSamplingRate string
}

// Child is a playlist that a multivariant one names.
type Child struct {
	Target string // as the cluster calls it
	Kind   Kind
}

// Change is what a new version of a live manifest is to the one that viewers
// have.
type Change int

// Changes.
const (
	Same    Change = iota // nothing is new
	Forward               // it goes on
	Ended                 // the one that viewers have had ended, or is none that can be compared: the new one is another programme
	Back                  // it is an older version, from another origin behind the same address, say
	Anew                  // it begins anew: the numbers do, or a known number has got another name
)

// String is the change's name in logs and as the label of a metric.
func (c Change) String() string {
	return [...]string{"same", "forward", "ended", "back", "anew"}[c]
}
