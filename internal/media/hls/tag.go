package hls

import "tandem/internal/media/scan"

// tag is what a tag holds.
type tag struct {
	uris  []string // attributes that hold URIs
	whole bool     // its whole value is one
	read  func(p *reader, value scan.Span)
}

// tags are the tags that matter here.
var tags = map[string]tag{
	"#EXTINF":                       {read: (*reader).inf},
	"#EXT-X-TARGETDURATION":         {read: func(p *reader, v scan.Span) { p.target = p.seconds(v) }},
	"#EXT-X-MEDIA-SEQUENCE":         {read: func(p *reader, v scan.Span) { p.sequence = p.whole(v) }},
	"#EXT-X-DISCONTINUITY-SEQUENCE": {read: func(p *reader, v scan.Span) { p.discontinuity = p.whole(v) }},
	"#EXT-X-DISCONTINUITY":          {read: func(p *reader, _ scan.Span) { p.note(&p.breaks) }},
	"#EXT-X-GAP":                    {read: func(p *reader, _ scan.Span) { p.note(&p.gaps) }},
	"#EXT-X-ENDLIST":                {read: func(p *reader, _ scan.Span) { p.ended = true }},
	"#EXT-X-BYTERANGE":              {read: func(p *reader, v scan.Span) { p.piece, p.partial = p.byteRange(v) }},
	"#EXT-X-SKIP":                   {read: (*reader).skip},
	"#EXT-X-PART-INF":               {read: func(p *reader, v scan.Span) { p.partTarget = p.seconds(p.attribute(v, "PART-TARGET")) }},
	"#EXT-X-DEFINE":                 {read: (*reader).define},
	"#EXT-X-MAP":                    {uris: []string{"URI"}, read: (*reader).header},
	"#EXT-X-KEY":                    {uris: []string{"URI"}},
	"#EXT-X-SESSION-KEY":            {uris: []string{"URI"}},
	"#EXT-X-SESSION-DATA":           {uris: []string{"URI"}},
	"#EXT-X-CONTENT-STEERING":       {uris: []string{"SERVER-URI"}},
	"#EXT-X-DATERANGE":              {uris: []string{"X-ASSET-URI", "X-ASSET-LIST", "X-URI", "URI"}},
	"#EXT-X-RENDITION-REPORT":       {uris: []string{"URI"}},
	"#EXT-X-PART":                   {uris: []string{"URI"}, read: (*reader).part},
	"#EXT-X-PRELOAD-HINT":           {uris: []string{"URI"}, read: (*reader).preload},
	"#EXT-X-MEDIA":                  {uris: []string{"URI"}, read: (*reader).rendition},
	"#EXT-X-STREAM-INF":             {read: (*reader).variant},
	"#EXT-X-I-FRAME-STREAM-INF":     {uris: []string{"URI"}, read: (*reader).trickPlay},
	"#EXT-X-IMAGE-STREAM-INF":       {uris: []string{"URI"}, read: (*reader).trickPlay},
	"#EXT-X-PREFETCH":               {whole: true, read: func(p *reader, v scan.Span) { p.coming = v }},
	"#EXT-X-TWITCH-PREFETCH":        {whole: true, read: func(p *reader, v scan.Span) { p.coming = v }},
}

// anyTag is any other one.
var anyTag = tag{uris: []string{"URI"}}
