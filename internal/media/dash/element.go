package dash

// element is what an element holds.
type element struct {
	uris     []string // attributes that hold URIs
	text     bool     // its text is one
	location bool     // and that is the MPD's own from now on
	segment  bool     // they stand where segments do: relative to the BaseURLs; else to the MPD
	begin    func(p *reader)
	end      func(p *reader)
}

// elements are the elements that matter here. Any element may have an
// xlink:href, too.
var elements map[string]element

func init() { // the rows call what reads the table
	elements = map[string]element{
		"MPD":                  {begin: (*reader).mpd},
		"Period":               {begin: (*reader).period, end: func(p *reader) { p.close(levelPeriod) }},
		"AdaptationSet":        {begin: (*reader).set, end: func(p *reader) { p.close(levelSet) }},
		"Representation":       {begin: (*reader).representation, end: func(p *reader) { p.close(levelRep) }},
		"BaseURL":              {begin: (*reader).baseURL},
		"Location":             {text: true, location: true},
		"PatchLocation":        {text: true, begin: func(p *reader) { p.patched = true }},
		"ContentSteering":      {text: true, uris: []string{"proxyServerURL"}},
		"UTCTiming":            {begin: (*reader).clock},
		"InitializationSet":    {uris: []string{"initialization"}},
		"ImportedMPD":          {text: true, uris: []string{"uri"}},
		"InsertPresentation":   {uris: []string{"url", "uri"}},
		"ReplacePresentation":  {uris: []string{"url", "uri"}},
		"Reporting":            {uris: []string{"reportingUrl"}},
		"SegmentBase":          {segment: true, begin: func(p *reader) { p.address(byBase) }, end: (*reader).addressed},
		"SegmentList":          {segment: true, begin: func(p *reader) { p.address(byList) }, end: (*reader).addressed},
		"SegmentTemplate":      {segment: true, uris: []string{"media", "initialization", "index", "bitstreamSwitching"}, begin: func(p *reader) { p.address(byTemplate) }, end: (*reader).addressed},
		"SegmentURL":           {segment: true, uris: []string{"media", "index"}, begin: (*reader).segmentURL},
		"Initialization":       {segment: true, uris: []string{"sourceURL"}, begin: (*reader).initial},
		"RepresentationIndex":  {segment: true, uris: []string{"sourceURL"}, begin: (*reader).indexed},
		"BitstreamSwitching":   {segment: true, uris: []string{"sourceURL"}},
		"SegmentTimeline":      {begin: (*reader).beginTimeline, end: func(p *reader) { p.timeline = false }},
		"EssentialProperty":    {begin: (*reader).property},
		"SupplementalProperty": {begin: (*reader).property},
		"add":                  {begin: (*reader).change},
		"replace":              {begin: (*reader).change},
		"EventStream":          {begin: (*reader).eventStream},
		"Event":                {begin: (*reader).event},
		"ContentProtection":    {begin: (*reader).passOver},
		"ProgramInformation":   {begin: (*reader).passOver},
	}
}
