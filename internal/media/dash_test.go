package media

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// elementsLed are what may stand in an MPD, and what becomes of it; "": nothing.
var elementsLed = []struct{ in, want string }{
	{`<BaseURL>http://o.example/v/</BaseURL>`, `<BaseURL>[P]/v/</BaseURL>`},
	{`<BaseURL serviceLocation="/x"> /v/ </BaseURL>`, `<BaseURL serviceLocation="/x"> [P]/v/ </BaseURL>`},
	{`<BaseURL><![CDATA[http://o.example/v/]]></BaseURL>`, `<BaseURL><![CDATA[[P]/v/]]></BaseURL>`},
	{`<BaseURL> <![CDATA[ /v/]]><!-- /x --></BaseURL>`, `<BaseURL> <![CDATA[ [P]/v/]]><!-- /x --></BaseURL>`},
	{`<BaseURL>http&#58;//o&#x2e;example/v/?a=1&amp;b=2</BaseURL>`, `<BaseURL>[P]/v/?a=1&amp;b=2</BaseURL>`},
	{`<BaseURL>http://o.example</BaseURL>`, `<BaseURL>[P]/</BaseURL>`},
	{`<BaseURL>../../</BaseURL>`, `<BaseURL>[P]/</BaseURL>`},
	{`<BaseURL>x/</BaseURL>`, ``},
	{`<Location>http://o.example/m.mpd</Location>`, `<Location>[P]/m.mpd</Location>`},
	{`<Location>http://far.example/m.mpd</Location>`, ``},
	{`<PatchLocation ttl="60">/p.mpp?x=1&amp;y=/2</PatchLocation>`, `<PatchLocation ttl="60">[P]/p.mpp?x=1&amp;y=/2</PatchLocation>`},
	{`<ContentSteering proxyServerURL="/p" queryBeforeStart="true">http://o.example/steer</ContentSteering>`, `<ContentSteering proxyServerURL="[P]/p" queryBeforeStart="true">[P]/steer</ContentSteering>`},
	{`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="http://o.example/t"/>`, `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="[P]/t"/>`},
	{`<UTCTiming value=" /t http://far.example/ http://o.example/u " schemeIdUri="urn:mpeg:dash:utc:http-head:2014"/>`, `<UTCTiming value=" [P]/t http://far.example/ [P]/u " schemeIdUri="urn:mpeg:dash:utc:http-head:2014"/>`},
	{`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="/t"/>`, ``},
	{`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:ntp:2014" value="http://o.example/"/>`, ``},
	{`<InitializationSet id="1" initialization="/i.mp4"/>`, `<InitializationSet id="1" initialization="[P]/i.mp4"/>`},
	{`<Period xlink:href="http://o.example/r.xml" xlink:actuate="onLoad"/>`, `<Period xlink:href="[P]/r.xml" xlink:actuate="onLoad"/>`},
	{`<Period xl:href="urn:mpeg:dash:resolve-to-zero:2013"/>`, ``},
	{`<Period><AdaptationSet xlink:href="/set.xml"/></Period>`, `<Period><AdaptationSet xlink:href="[P]/set.xml"/></Period>`},
	{`<Period><SegmentBase><Initialization sourceURL="/i.mp4" range="0-9"/><RepresentationIndex sourceURL="/x.sidx"/><BitstreamSwitching sourceURL="/b.mp4"/></SegmentBase></Period>`, `<Period><SegmentBase><Initialization sourceURL="[P]/i.mp4" range="0-9"/><RepresentationIndex sourceURL="[P]/x.sidx"/><BitstreamSwitching sourceURL="[P]/b.mp4"/></SegmentBase></Period>`},
	{`<Period><SegmentList duration="2"><SegmentURL media="/1.m4s" index="/1.sidx"/><SegmentURL media="2.m4s"/></SegmentList></Period>`, `<Period><SegmentList duration="2"><SegmentURL media="[P]/1.m4s" index="[P]/1.sidx"/><SegmentURL media="2.m4s"/></SegmentList></Period>`},
	{`<Period><SegmentTemplate media='/v/$Number%05d$.m4s?a="b"' initialization = "http://o.example/i.mp4" index="/$Number$.sidx" bitstreamSwitching="/b.mp4" duration="2"/></Period>`, `<Period><SegmentTemplate media='[P]/v/$Number%05d$.m4s?a="b"' initialization = "[P]/i.mp4" index="[P]/$Number$.sidx" bitstreamSwitching="[P]/b.mp4" duration="2"/></Period>`},
	{`<Period><SegmentTemplate media="&#47;v/$Number$.m4s"/></Period>`, `<Period><SegmentTemplate media="[P]&#47;v/$Number$.m4s"/></Period>`},
	{`<Period><EventStream schemeIdUri="urn:mpeg:dash:event:callback:2015"><Event messageData="/c"/><Event>http://o.example/d</Event></EventStream></Period>`, `<Period><EventStream schemeIdUri="urn:mpeg:dash:event:callback:2015"><Event messageData="[P]/c"/><Event>[P]/d</Event></EventStream></Period>`},
	{`<Period><EventStream schemeIdUri="urn:mpeg:dash:event:alternativeMPD:replace:2025"><Event><ReplacePresentation url="/ad.mpd"/></Event></EventStream></Period>`, `<Period><EventStream schemeIdUri="urn:mpeg:dash:event:alternativeMPD:replace:2025"><Event><ReplacePresentation url="[P]/ad.mpd"/></Event></EventStream></Period>`},
	{`<Period><ImportedMPD uri="/o.mpd">/p.mpd</ImportedMPD></Period>`, `<Period><ImportedMPD uri="[P]/o.mpd">[P]/p.mpd</ImportedMPD></Period>`},
	{`<Metrics><Reporting schemeIdUri="urn:dvb:dash:reporting:2014" dvb:reportingUrl="http://o.example/r"/></Metrics>`, `<Metrics><Reporting schemeIdUri="urn:dvb:dash:reporting:2014" dvb:reportingUrl="[P]/r"/></Metrics>`},
	{`<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="http://o.example/next.mpd"/>`, `<SupplementalProperty schemeIdUri="urn:mpeg:dash:chaining:2016" value="[P]/next.mpd"/>`},
	{`<SupplementalProperty schemeIdUri="urn:dvb:dash:fontdownload:2014" dvb:url="/f.woff" value="1"/><EssentialProperty dvb:url="http://o.example/g" schemeIdUri="urn:dvb:dash:fontdownload:2014"/><EssentialProperty schemeIdUri="urn:x" url="/no"/>`, `<SupplementalProperty schemeIdUri="urn:dvb:dash:fontdownload:2014" dvb:url="[P]/f.woff" value="1"/><EssentialProperty dvb:url="[P]/g" schemeIdUri="urn:dvb:dash:fontdownload:2014"/><EssentialProperty schemeIdUri="urn:x" url="/no"/>`},
	{`<EssentialProperty value="/a.mpd far.mpd http://o.example/b.mpd" schemeIdUri="urn:mpeg:dash:fallback:2016"/>`, `<EssentialProperty value="[P]/a.mpd far.mpd [P]/b.mpd" schemeIdUri="urn:mpeg:dash:fallback:2016"/>`},
	{`<SupplementalProperty schemeIdUri="urn:mpeg:dash:role:2011" value="/x"/>`, ``},
	{`<Period><ContentProtection schemeIdUri="urn:mpeg:dash:sea:enc:2013"><sea:CryptoPeriod IV="0x1" keyUriTemplate="http://o.example/k?t=1&amp;kid=$Number$"/><sea:CryptoTimeline keyUriTemplate="/k/$Number$"/><x keyUri="/no"/></ContentProtection></Period>`, `<Period><ContentProtection schemeIdUri="urn:mpeg:dash:sea:enc:2013"><sea:CryptoPeriod IV="0x1" keyUriTemplate="[P]/k?t=1&amp;kid=$Number$"/><sea:CryptoTimeline keyUriTemplate="[P]/k/$Number$"/><x keyUri="/no"/></ContentProtection></Period>`},
	// What a patch puts in the place of something (ISO/IEC 23009-1 5.15, RFC 5261).
	{`<replace sel="/MPD/BaseURL[1]/text()">http://o.example/v/</replace>`, `<replace sel="/MPD/BaseURL[1]/text()">[P]/v/</replace>`},
	{`<replace sel="/MPD/Period[@id='a/b']/AdaptationSet[1]/SegmentTemplate/@media">http://o.example/$Number$.m4s</replace>`, `<replace sel="/MPD/Period[@id='a/b']/AdaptationSet[1]/SegmentTemplate/@media">[P]/$Number$.m4s</replace>`},
	{`<add sel="/MPD/Period[2]" type="@xlink:href">/r.xml</add><add sel="//d:SegmentTemplate" type="@initialization"><![CDATA[/i.mp4]]></add>`, `<add sel="/MPD/Period[2]" type="@xlink:href">[P]/r.xml</add><add sel="//d:SegmentTemplate" type="@initialization"><![CDATA[[P]/i.mp4]]></add>`},
	{`<replace sel="/MPD/UTCTiming[1]/@value">/t http://o.example/u</replace>`, `<replace sel="/MPD/UTCTiming[1]/@value">[P]/t [P]/u</replace>`},
	{`<add sel="/MPD"><Period><BaseURL>/v/</BaseURL></Period></add><replace sel="/MPD/Location[1]"><Location>/m.mpd</Location></replace>`, `<add sel="/MPD"><Period><BaseURL>[P]/v/</BaseURL></Period></add><replace sel="/MPD/Location[1]"><Location>[P]/m.mpd</Location></replace>`},
	{`<replace sel="/MPD/@publishTime">/x</replace><replace sel="/MPD/Title/text()">/x</replace><replace sel="[/BaseURL/text()">/x</replace><remove sel="/MPD/BaseURL"/><replace>/x</replace>`, ``},
	// Relative to the BaseURLs of the representations.
	{`<BaseURL>http://far.example/</BaseURL><Period><SegmentTemplate media="/v/$Number$"/></Period>`, ``},
	{`<Period><AdaptationSet><SegmentTemplate media="/v/$Number$"/><Representation><BaseURL>http://far.example/</BaseURL></Representation></AdaptationSet></Period>`, ``},
	{`<BaseURL>http://far.example/</BaseURL><Period><AdaptationSet><SegmentTemplate media="/v/$Number$"/><Representation><BaseURL>http://o.example/x/</BaseURL></Representation></AdaptationSet></Period>`, `<BaseURL>http://far.example/</BaseURL><Period><AdaptationSet><SegmentTemplate media="[P]/v/$Number$"/><Representation><BaseURL>[P]/x/</BaseURL></Representation></AdaptationSet></Period>`},
	{`<BaseURL>/x/</BaseURL><Period><AdaptationSet><Representation><SegmentTemplate media="../../v/$Number$"/></Representation></AdaptationSet></Period>`, `<BaseURL>[P]/x/</BaseURL><Period><AdaptationSet><Representation><SegmentTemplate media="[P]/v/$Number$"/></Representation></AdaptationSet></Period>`},
	{`<Period><AdaptationSet><SegmentTemplate media="../../v/$Number$"/><Representation><BaseURL>x/y/</BaseURL></Representation></AdaptationSet></Period>`, ``},
	{`<Period><AdaptationSet><SegmentTemplate media="../../v/$Number$"/><Representation><BaseURL>x/y/</BaseURL></Representation><Representation><BaseURL>/</BaseURL></Representation></AdaptationSet></Period>`, `<Period><AdaptationSet><SegmentTemplate media="../../v/$Number$"/><Representation><BaseURL>[P]/_tandem-up/_tandem-up/a/x/y/</BaseURL></Representation><Representation><BaseURL>[P]/_tandem-up/_tandem-up/</BaseURL></Representation></AdaptationSet></Period>`},
	{`<BaseURL>/v/</BaseURL><BaseURL>http://far.example/</BaseURL><Period><SegmentTemplate media="../../n"/></Period>`, `<BaseURL>[P]/_tandem-up/_tandem-up/v/</BaseURL><BaseURL>http://far.example/</BaseURL><Period><SegmentTemplate media="../../n"/></Period>`},
	// Rooted, below bases of two hosts: at ours it climbs to the session's root, at the other to its own.
	{`<BaseURL>/v/</BaseURL><BaseURL>http://far.example/v/</BaseURL><Period><SegmentTemplate media="/v/$Number$"/></Period>`, `<BaseURL>[P]/_tandem-up/_tandem-up/_tandem-up/_tandem-up/v/</BaseURL><BaseURL>http://far.example/v/</BaseURL><Period><SegmentTemplate media="../../../../v/$Number$"/></Period>`},
	{`<BaseURL>http://far.example/</BaseURL><Period><AdaptationSet><SegmentTemplate media="/v/$Number$"/><Representation/><Representation><BaseURL>http://o.example/</BaseURL></Representation></AdaptationSet></Period>`, `<BaseURL>http://far.example/</BaseURL><Period><AdaptationSet><SegmentTemplate media="../../../../v/$Number$"/><Representation/><Representation><BaseURL>[P]/_tandem-up/_tandem-up/_tandem-up/_tandem-up/</BaseURL></Representation></AdaptationSet></Period>`},
	{`<BaseURL>v/</BaseURL><BaseURL>//far.example/</BaseURL><Period><BaseURL>/w/</BaseURL><SegmentTemplate media="n"/></Period>`, `<BaseURL>[P]/_tandem-up/_tandem-up/_tandem-up/_tandem-up/_tandem-up/a/v/</BaseURL><BaseURL>//far.example/</BaseURL><Period><BaseURL>../../../../../w/</BaseURL><SegmentTemplate media="n"/></Period>`},
	// Namespace prefixes, declared entities.
	{`<d:Period><d:SegmentTemplate media="/x"/></d:Period>`, `<d:Period><d:SegmentTemplate media="[P]/x"/></d:Period>`},
	// What is to stay.
	{`<!-- <BaseURL>/no/</BaseURL> --><?pi <Location>/x</Location> ?>`, ``},
	{`<ProgramInformation moreInformationURL="http://o.example/i"><Title>/t</Title><Location>/x</Location></ProgramInformation>`, ``},
	{`<Period><EventStream schemeIdUri="urn:x"><Event messageData="/e">/f<Location>/x</Location></Event></EventStream></Period>`, ``},
	{`<Period><ContentProtection><Laurl>http://o.example/l</Laurl><cenc:pssh>AA//</cenc:pssh><ContentProtection/><BaseURL>/x</BaseURL></ContentProtection></Period>`, ``},
	{`<Other media="/x"/><SegmentURL relative="/x"/>`, ``},
	{`<Period><SegmentTemplate media="$Number$.m4s?a=/c/b" initialization="i.mp4"/></Period>`, ``},
}

func TestEveryElementIsLedIntoTheSession(t *testing.T) {
	s := site(t, "http://o.example", "/a/m.mpd")
	for _, c := range elementsLed {
		if c.want == "" {
			c.want = c.in
		}
		for _, form := range []string{
			"<MPD>%s</MPD>", "\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<!-- x --><dash:MPD xmlns:dash=\"urn:mpeg:dash:schema:mpd:2011\">\r\n%s\r\n</dash:MPD>",
		} {
			m := parsed(t, s, fmt.Sprintf(form, c.in))
			if got := edited(m); got != fmt.Sprintf(form, c.want) {
				t.Errorf("%s\nbecame %s", c.in, got)
			}
		}
	}
}

// Where some of what is led lies where the MPD does, and some elsewhere, the MPD's own folder
// gets a BaseURL: behind ProgramInformation, of the MPD's namespace.
func TestTheMPDsOwnFolderIsABaseAmongOthers(t *testing.T) {
	const climbs = `<%[1]sPeriod><%[1]sAdaptationSet><%[1]sSegmentTemplate media="%[2]s"/><%[1]sRepresentation/><%[1]sRepresentation><%[1]sBaseURL>%[3]s</%[1]sBaseURL></%[1]sRepresentation></%[1]sAdaptationSet></%[1]sPeriod></%[1]sMPD>`
	for _, c := range []struct{ ns, origin, first, media, base, own, mediaLed, baseLed string }{
		{"", "http://o.example", "", "../../v/$Number$", "/", "/_tandem-up/_tandem-up/a/", "../../v/$Number$", "[P]/_tandem-up/_tandem-up/"},
		{"d:", "http://o.example", "<d:ProgramInformation><Title/></d:ProgramInformation>", "/v/$Number$", "http://far.example/", "/_tandem-up/_tandem-up/_tandem-up/a/", "../../../v/$Number$", "http://far.example/"},
		{"", "http://o.example/b", "<!-- x -->", "/b/v/$Number$", "http://far.example/", "/_tandem-at/b/_tandem-up/_tandem-up/_tandem-up/_tandem-up/_tandem-up/b/a/", "../../../../b/v/$Number$", "http://far.example/"},
		{"", "http://o.example", "", "v/$Number$", "http://far.example/", "", "v/$Number$", "http://far.example/"},
		{"", "http://o.example/b", "", "/b/./v/$Number$", "http://far.example/", "", "/b/./v/$Number$", "http://far.example/"},
	} {
		in := "<" + c.ns + "MPD>" + c.first + fmt.Sprintf(climbs, c.ns, c.media, c.base)
		want := "<" + c.ns + "MPD>" + c.first
		if c.own != "" {
			want += "<" + c.ns + "BaseURL>[P]" + c.own + "</" + c.ns + "BaseURL>"
		}
		want += fmt.Sprintf(climbs, c.ns, c.mediaLed, c.baseLed)
		if got := edited(parsed(t, site(t, c.origin, "/a/m.mpd"), in)); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
}

func TestDeclaredEntitiesAreRead(t *testing.T) {
	form := `<!DOCTYPE MPD [<!ENTITY o "http://o.example"> <!ENTITY p '/v/'><!ENTITY all "&o;&p;"><!ENTITY self "&self;/x"><!ENTITY tag "&p;&lt;">]><MPD><BaseURL>%s</BaseURL></MPD>`
	for in, want := range map[string]string{"&o;/x/": "[P]/x/", "&o;&p;": "[P]&p;", "&p;": "[P]&p;", "&all;": "[P]/v/", "&all;x/": "[P]/v/x/", "&self;": "&self;", "&tag;": "&tag;", "&none;/x": "&none;/x"} {
		m := parsed(t, site(t, "http://o.example", "/m.mpd"), fmt.Sprintf(form, in))
		if got := edited(m); got != fmt.Sprintf(form, want) {
			t.Errorf("%s: %s", in, got)
		}
	}
	m := parsed(t, site(t, "http://o.example/base", "/m.mpd"), `<!DOCTYPE MPD [<!ENTITY o "http://o.example/base/x">]><MPD><BaseURL>&o;/y/</BaseURL></MPD>`)
	if got := edited(m); !strings.Contains(got, "<BaseURL>[P]/x/y/</BaseURL>") {
		t.Error(got)
	}
}

// A path in the place of a URL would lead to the host of the BaseURL above.
func TestWhatStandsBelowAnotherHostNeedsOurs(t *testing.T) {
	const far, ours = `<BaseURL>http://far.example/</BaseURL>`, `<BaseURL>http://o.example/x/</BaseURL>`
	for body, want := range map[string]bool{
		`<MPD>` + far + `<Period>` + ours + `</Period></MPD>`:                                                                      true,
		`<MPD>` + far + ours + `<Period>` + ours + `</Period></MPD>`:                                                               true,
		`<MPD><Period>` + far + `<SegmentTemplate media="http://o.example/$Number$"/></Period></MPD>`:                              true,
		`<Period>` + ours + `</Period>`:                                                                                            true, // a remote one, whatever it is put into
		`<Patch><add sel="/MPD/Period[1]"><BaseURL>http://o.example/</BaseURL></add></Patch>`:                                      true,
		`<Period><BaseURL>/x/</BaseURL></Period>`:                                                                                  false,
		`<MPD>` + far + `<InitializationSet initialization="//o.example/i"/></MPD>`:                                                true,
		`<MPD>` + far + ours + `<Location>http://o.example/m</Location><Period><SegmentTemplate media="/n"/></Period></MPD>`:       false,
		`<MPD>` + far + `<Period><BaseURL>/x/</BaseURL></Period><Period>` + far + `</Period></MPD>`:                                false,
		`<MPD>` + ours + `<Period>` + ours + `<SegmentTemplate media="http://o.example/$Number$"/></Period></MPD>`:                 false,
		`<MPD><Period>` + far + `</Period><Period>` + ours + `<SegmentTemplate media="http://o.example/$Number$"/></Period></MPD>`: false,
	} {
		if m := parsed(t, site(t, "http://o.example", "/m.mpd"), body); m.Abroad() != want {
			t.Errorf("%s: %v, want %v", body, m.Abroad(), want)
		}
	}
}

func TestWhatIsLeftInAnMPDIsCounted(t *testing.T) {
	m := parsed(t, site(t, "http://o.example/base", "/m.mpd"), `<MPD><ProgramInformation moreInformationURL="http://o.example/i"/>
		<BaseURL>http://far.example/</BaseURL><BaseURL>http://o.example/base/x/</BaseURL><Location>http://o.example/outside.mpd</Location>
		<Period><SegmentTemplate media="/base/../1.m4s"/></Period></MPD>`)
	if m.Foreign() != 1 || m.Left() != 3 || m.Edits().Count() != 1 {
		t.Errorf("%d on other hosts, %d name the origin, %d led\n%s", m.Foreign(), m.Left(), m.Edits().Count(), edited(m))
	}
}

func uris(t Track) []string {
	var out []string
	for _, s := range t.Segments {
		out = append(out, s.URI)
	}
	return out
}

func only(t *testing.T, target, body string, now time.Time) Track {
	t.Helper()
	tracks, err := parsed(t, site(t, "http://o.example", target), body).Tracks(now)
	if err != nil || len(tracks) != 1 {
		t.Fatalf("%d tracks, %v", len(tracks), err)
	}
	return tracks[0]
}

// addressings are MPDs of one representation, and what they list.
var addressings = map[string]struct {
	body string
	init string
	want []string
}{
	"timeline with numbers, repeats to the period's end": {
		`<MPD type="static" mediaPresentationDuration="PT10S"><BaseURL>media/</BaseURL><Period><AdaptationSet>
			<SegmentTemplate timescale="10" startNumber="7" initialization="$RepresentationID$/i.mp4" media="$RepresentationID$/$Number%03d$-$Bandwidth$.m4s">
			<SegmentTimeline><S t="0" d="40"/><S d="30" r="-1"/></SegmentTimeline></SegmentTemplate>
			<Representation id="v" bandwidth="99"><BaseURL>x/</BaseURL></Representation></AdaptationSet></Period></MPD>`,
		"/a/media/x/v/i.mp4",
		[]string{"/a/media/x/v/007-99.m4s", "/a/media/x/v/008-99.m4s", "/a/media/x/v/009-99.m4s"},
	},
	"timeline with times": {
		`<MPD><Period><AdaptationSet><Representation id="v"><SegmentTemplate media="$$t-$Time$.m4s">
			<SegmentTimeline><S t="5" d="2" r="-1"/><S t="9" d="3"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`,
		"",
		[]string{"/a/$t-5.m4s", "/a/$t-7.m4s", "/a/$t-9.m4s"},
	},
	"numbers in the timeline": {
		`<MPD><Period><AdaptationSet><Representation id="v"><SegmentTemplate media="$Number$.m4s">
			<SegmentTimeline><S t="5" d="2" n="40" r="1"/><S d="3" n="42"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`,
		"",
		[]string{"/a/40.m4s", "/a/41.m4s", "/a/42.m4s"},
	},
	"a duration, inherited from the period": {
		`<MPD mediaPresentationDuration="PT5S"><Period><SegmentTemplate duration="2" media="/above/$Number$.m4s"/><AdaptationSet><SegmentTemplate startNumber="0"/>
			<Representation id="v"/></AdaptationSet></Period></MPD>`,
		"",
		[]string{"/above/0.m4s", "/above/1.m4s", "/above/2.m4s"},
	},
	"a last number": {
		`<MPD mediaPresentationDuration="PT50S"><Period><AdaptationSet><SegmentTemplate duration="2" endNumber="2" media="$Number$.m4s"/><Representation id="v"/></AdaptationSet></Period></MPD>`,
		"",
		[]string{"/a/1.m4s", "/a/2.m4s"},
	},
	"a list": {
		`<MPD><Period><AdaptationSet><Representation id="v"><SegmentList duration="2"><Initialization sourceURL="i.mp4"/><SegmentURL media="a b.m4s"/>
			<SegmentURL media="../c.m4s?x=1&amp;y=2"/></SegmentList></Representation></AdaptationSet></Period></MPD>`,
		"/a/i.mp4",
		[]string{"/a/a%20b.m4s", "/c.m4s?x=1&y=2"},
	},
	"one file": {
		`<MPD mediaPresentationDuration="PT5S"><Period><AdaptationSet><Representation id="v"><BaseURL>v.mp4</BaseURL><SegmentBase indexRange="0-9"/></Representation></AdaptationSet></Period></MPD>`,
		"",
		[]string{"/a/v.mp4"},
	},
	"another host": {
		`<MPD mediaPresentationDuration="PT2S"><BaseURL>http://far.example/z/</BaseURL><Period><AdaptationSet><Representation id="v">
			<SegmentTemplate duration="2" media="$Number$.m4s"/></Representation></AdaptationSet></Period></MPD>`,
		"",
		nil,
	},
	"the base at our origin of several": {
		`<MPD mediaPresentationDuration="PT2S"><BaseURL>http://far.example/z/</BaseURL><BaseURL>http://o.example/y/</BaseURL><Period><AdaptationSet><Representation id="v">
			<SegmentTemplate duration="2" media="$Number$.m4s"/></Representation></AdaptationSet></Period></MPD>`,
		"",
		[]string{"/y/1.m4s"},
	},
}

func TestEveryAddressingIsListed(t *testing.T) {
	for name, c := range addressings {
		track := only(t, "/a/m.mpd", c.body, time.Time{})
		if got := uris(track); !reflect.DeepEqual(got, c.want) || track.Init != c.init {
			t.Errorf("%s: %v, init %q", name, got, track.Init)
		}
	}
}

func TestDynamicManifestListsWhatIsCompleteInItsWindow(t *testing.T) {
	body := `<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" timeShiftBufferDepth="PT6S" minimumUpdatePeriod="PT2S"><Period start="PT100S"><AdaptationSet>
		<Representation id="v"><SegmentTemplate duration="2" startNumber="10" media="$Number$.m4s"/></Representation></AdaptationSet></Period></MPD>`
	if got := uris(only(t, "/m.mpd", body, time.Unix(109, 0))); !reflect.DeepEqual(got, []string{"/11.m4s", "/12.m4s", "/13.m4s"}) {
		t.Fatal(got)
	}
	m := parsed(t, site(t, "http://o.example", "/m.mpd"), body)
	if tracks, err := m.Tracks(time.Unix(90, 0)); err != nil || !m.Live() || m.Interval() != 2*time.Second || m.Window() != 6*time.Second || len(tracks[0].Segments) != 0 {
		t.Fatalf("%+v, %v", tracks, err)
	}
	ref, ok := m.Locate("/12.m4s", ByteRange{})
	next := m.Next(ref, 2)
	if got := where(ref, ok); got != "other 12 1m44s+2s" || objects(next) != "13:/13.m4s 14:/14.m4s" || !next[1].Available.Equal(time.Unix(110, 0)) {
		t.Error(got, objects(next), next[1].Available)
	}
	open := `<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"><Period start="PT0S"><AdaptationSet><Representation id="v">
		<SegmentTemplate media="$Time$.m4s"><SegmentTimeline><S t="0" d="5" r="1"/><S d="4" r="-1"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`
	if got := uris(only(t, "/m.mpd", open, time.Unix(19, 0))); !reflect.DeepEqual(got, []string{"/0.m4s", "/5.m4s", "/10.m4s", "/14.m4s"}) {
		t.Error(got)
	}
}

func TestRepresentationGoesOnFromPeriodToPeriod(t *testing.T) {
	period := `<Period start="PT%S"><AdaptationSet contentType="video"><Representation id="v"><SegmentTemplate duration="2" startNumber="#" media="$Number$.m4s"/></Representation></AdaptationSet></Period>`
	at := func(start, number string) string {
		return strings.NewReplacer("%", start, "#", number).Replace(period)
	}
	body := `<MPD mediaPresentationDuration="PT8S">` + at("0", "1") + at("4", "3") + `</MPD>`
	track := only(t, "/m.mpd", body, time.Time{})
	m := parsed(t, site(t, "http://o.example", "/m.mpd"), body)
	ref, _ := m.Locate("/2.m4s", ByteRange{})
	if got := objects(m.Next(ref, 9)); got != "3:/3.m4s 4:/4.m4s" || !track.Segments[2].Discontinuity {
		t.Fatal(got, track.Segments)
	}
	if got := where(m.Locate("/3.m4s", ByteRange{})); got != "video 3 4s+2s" {
		t.Error(got)
	}
	tracks, err := parsed(t, site(t, "http://o.example", "/m.mpd"), `<MPD mediaPresentationDuration="PT8S">`+at("0", "1")+at("4", "1")+`</MPD>`).Tracks(time.Time{})
	if err != nil || len(tracks) != 2 {
		t.Fatalf("numbers that begin anew were joined: %d, %v", len(tracks), err)
	}
}

func TestPositionsInMPDs(t *testing.T) {
	film := `<MPD type="static" mediaPresentationDuration="PT24H"><Period><AdaptationSet mimeType="video/mp4">
		<SegmentTemplate timescale="1" duration="2" media="$RepresentationID$/$Number$.m4s" initialization="$RepresentationID$/i.mp4"/><Representation id="v0" bandwidth="1"/><Representation id="v&amp;1" bandwidth="2"/></AdaptationSet>
		<AdaptationSet mimeType="audio/mp4"><SegmentTemplate timescale="48000" duration="96000" startNumber="0" media="a-$Bandwidth%04d$-$Number%05d$.m4s?n=$Number$"/><Representation id="a0" bandwidth="7"/></AdaptationSet>
		<AdaptationSet mimeType="application/mp4" codecs="stpp.ttml.im1t"><Representation id="t"><BaseURL>t.mp4</BaseURL><SegmentBase indexRange="100-299"><Initialization range="0-99"/></SegmentBase></Representation></AdaptationSet>
		<AdaptationSet contentType="video"><EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="1"/><SegmentTemplate media="trick/$Number$.m4s" duration="10"/><Representation id="k"/></AdaptationSet></Period></MPD>`
	times := `<MPD type="static" mediaPresentationDuration="PT20S"><Period id="1" start="PT0S"><AdaptationSet mimeType="video/mp4"><SegmentTemplate timescale="1000" presentationTimeOffset="1700000000000" media="$RepresentationID$/$Time$.m4s">
		<SegmentTimeline><S t="1700000000000" d="2000" r="-1"/></SegmentTimeline></SegmentTemplate><Representation id="v0" bandwidth="1"/></AdaptationSet></Period></MPD>`
	list := `<MPD type="static" mediaPresentationDuration="PT6S"><Period><AdaptationSet contentType="audio"><Representation id="l"><BaseURL>all.mp4</BaseURL><SegmentList timescale="10" duration="20"><Initialization range="0-99"/>
		<SegmentURL mediaRange="100-199"/><SegmentURL mediaRange="200-299"/><SegmentURL mediaRange="300-399"/></SegmentList></Representation></AdaptationSet></Period></MPD>`
	for _, c := range []struct {
		body, target string
		r            ByteRange
		place, next  string
	}{
		{film, "/v0/5.m4s", ByteRange{}, "video 5 8s+2s", "6:/v0/6.m4s 7:/v0/7.m4s"},
		{film, "/v&1/43200.m4s", ByteRange{}, "video 43200 23h59m58s+2s", ""},
		{film, "/v&1/43201.m4s", ByteRange{}, "unknown", ""},
		{film, "/v0/05.m4s", ByteRange{}, "unknown", ""},
		{film, "/v0/0.m4s", ByteRange{}, "unknown", ""},
		{film, "/v0/i.mp4", ByteRange{}, "video init", "1:/v0/1.m4s 2:/v0/2.m4s"},
		{film, "/a-0007-00000.m4s?n=0", ByteRange{}, "audio 0 0s+2s", "1:/a-0007-00001.m4s?n=1 2:/a-0007-00002.m4s?n=2"},
		{film, "/a-0007-0.m4s?n=0", ByteRange{}, "unknown", ""},
		{film, "/trick/2.m4s", ByteRange{}, "other 2 10s+10s", "3:/trick/3.m4s 4:/trick/4.m4s"},
		{film, "/t.mp4", ByteRange{First: 500, Length: 10}, "subtitles -1 0s+24h0m0s", ""},
		{times, "/v0/1700000004000.m4s", ByteRange{}, "video 1700000004000 4s+2s", "1700000006000:/v0/1700000006000.m4s 1700000008000:/v0/1700000008000.m4s"},
		{times, "/v0/1700000018000.m4s", ByteRange{}, "video 1700000018000 18s+2s", ""},
		{times, "/v0/1700000020000.m4s", ByteRange{}, "unknown", ""},
		{times, "/v0/1700000004001.m4s", ByteRange{}, "unknown", ""},
		{list, "/all.mp4", ByteRange{First: 200, Length: 100}, "audio 2 2s+2s", "3:/all.mp4[300+100]"},
		{list, "/all.mp4", ByteRange{First: 100, Length: 200}, "audio 2 2s+2s", "3:/all.mp4[300+100]"},
		{list, "/all.mp4", ByteRange{First: 100, Length: 0}, "audio 1 0s+2s", "2:/all.mp4[200+100] 3:/all.mp4[300+100]"},
	} {
		m := parsed(t, site(t, "http://o.example", "/m.mpd"), c.body)
		ref, ok := m.Locate(c.target, c.r)
		if got := where(ref, ok); got != c.place {
			t.Errorf("%s: %s, want %s", c.target, got, c.place)
		}
		if got := objects(m.Next(ref, 2)); ok && got != c.next {
			t.Errorf("%s: next %q, want %q", c.target, got, c.next)
		}
	}
	m := parsed(t, site(t, "http://o.example", "/m.mpd"), film)
	if ref, _ := m.Locate("/t.mp4", ByteRange{}); ref.Index.Target != "/t.mp4" || ref.Index.Range != (ByteRange{First: 100, Length: 200}) || ref.Representation != "t" {
		t.Errorf("%+v", ref)
	}
}

func TestPlaceOutsideTheWindowGoesOnWithTheFirst(t *testing.T) {
	m := parsed(t, site(t, "http://o.example", "/m.mpd"), `<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z"><Period start="PT0S"><AdaptationSet contentType="video"><SegmentTemplate media="$Time$.m4s">
		<SegmentTimeline><S t="100" d="2" r="1"/><S t="108" d="2" r="1"/></SegmentTimeline></SegmentTemplate><Representation id="v"/></AdaptationSet></Period></MPD>`)
	ref, _ := m.Locate("/100.m4s", ByteRange{})
	for from, want := range map[int64]string{90: "100:/100.m4s", 100: "102:/102.m4s", 102: "108:/108.m4s", 104: "108:/108.m4s", 110: ""} {
		ref.Sequence = from
		if got := objects(m.Next(ref, 1)); got != want {
			t.Errorf("behind %d: %s, want %s", from, got, want)
		}
	}
}

func TestMalformedMPDIsToldAndPassedOver(t *testing.T) {
	for body, want := range map[string]string{
		`<MPD mediaPresentationDuration="5s"/>`:                                                                                                "no duration",
		"<MPD>\n<Period start=\"PT99999999999999H\"/></MPD>":                                                                                   "line 2: start is no duration",
		`<MPD availabilityStartTime="yesterday"/>`:                                                                                             "no time",
		`<MPD><Period><SegmentTemplate timescale="0"/></Period></MPD>`:                                                                         "timescale",
		`<MPD><Period><SegmentTemplate startNumber="-1"/></Period></MPD>`:                                                                      "no whole number",
		`<MPD><Period><SegmentTemplate><SegmentTimeline><S d="0"/></SegmentTimeline></SegmentTemplate></Period></MPD>`:                         "S is out of bounds",
		`<MPD><Period><SegmentTemplate><SegmentTimeline><S d="9223372036854775807" r="9"/></SegmentTimeline></SegmentTemplate></Period></MPD>`: "S is out of bounds",
		`<MPD/>`: "<nil>",
	} {
		m := parsed(t, site(t, "http://o.example", "/m.mpd"), body)
		if got := fmt.Sprint(m.Flaw()); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	// Found by a fuzzer in the rewriter that was.
	parsed(t, site(t, "http://o.example", "/m.mpd"), `<MPD><Location>//0<SegmentTemplate media="/">`)
}
