package rules

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"tandem/internal/h1"
	"tandem/segstore"
)

const changed = "Fri, 12 Jan 2024 09:30:00 GMT"

// conditions are requests for an object of 10,000 bytes with the validator "v1" and a
// date, and what they get.
var conditions = []struct {
	fields string
	status int
	first  int64
	last   int64
}{
	{"", 200, 0, 9999},
	{"Range: bytes=0-9", 206, 0, 9},
	{"Range: Bytes=0-9", 206, 0, 9},
	{"Range: bytes=9990-", 206, 9990, 9999},
	{"Range: bytes=9990-99999999999999999999999", 206, 9990, 9999},
	{"Range: bytes=-5", 206, 9995, 9999},
	{"Range: bytes=--5", 200, 0, 9999},
	{"Range: bytes=+0-9", 200, 0, 9999},
	{"Range: bytes=0x0-0x9", 200, 0, 9999},
	{"Range: bytes=9-5", 200, 0, 9999},
	{"Range: bytes=0-9,20-29", 200, 0, 9999},
	{"Range: items=0-5", 200, 0, 9999},
	{"Range: bytes=10000-", 416, 0, 0},
	{"Range: bytes=99999999999999999999999-", 416, 0, 0},
	{"Range: bytes=-0", 416, 0, 0},
	{"If-Range: \"v1\"\r\nRange: bytes=0-9", 206, 0, 9},
	{"If-Range: \"v2\"\r\nRange: bytes=0-9", 200, 0, 9999},
	{"If-Range: W/\"v1\"\r\nRange: bytes=0-9", 200, 0, 9999},
	{"If-Range: " + changed + "\r\nRange: bytes=0-9", 206, 0, 9},
	{"If-Range: \"v2\"\r\nRange: bytes=10000-", 200, 0, 9999},
	{"If-None-Match: \"v1\"", 304, 0, 0},
	{"If-None-Match: W/\"v1\"", 304, 0, 0},
	{"If-None-Match: *", 304, 0, 0},
	{"If-None-Match: \"a\", W/\"b\" , \"v1\"", 304, 0, 0},
	{"If-None-Match: , ,\t\"v1\"", 304, 0, 0},
	{"If-None-Match: \"a\"\r\nIf-None-Match: \"v1\"", 304, 0, 0},
	{"If-None-Match: \"a,b\", \"v1\"", 304, 0, 0},
	{"If-None-Match: \"a, \"v1\"", 200, 0, 9999},
	{"If-None-Match: \"a,\"v1\"\"", 200, 0, 9999},
	{"If-None-Match: \"v\"", 200, 0, 9999},
	{"If-None-Match: v1", 200, 0, 9999},
	{"If-None-Match:", 200, 0, 9999},
	{"If-None-Match: \"", 200, 0, 9999},
	{"If-None-Match: W/", 200, 0, 9999},
	{"If-None-Match: \"a\"\r\nIf-Modified-Since: " + changed, 200, 0, 9999},
	{"If-Modified-Since: " + changed, 304, 0, 0},
	{"If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 200, 0, 9999},
	{"If-Modified-Since: yesterday", 200, 0, 9999},
	{"If-Match: \"v1\"", 200, 0, 9999},
	{"If-Match: *", 200, 0, 9999},
	{"If-Match: \"a\", \"v1\"", 200, 0, 9999},
	{"If-Match: \"a\"\r\nIf-Match: \"v1\"", 200, 0, 9999},
	{"If-Match: \"a\"", 412, 0, 0},
	{"If-Match: W/\"v1\"", 412, 0, 0},
	{"If-Match: \"a\"\r\nRange: bytes=0-9", 412, 0, 0},
	{"If-Match: \"v1\"\r\nIf-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 200, 0, 9999},
	{"If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 412, 0, 0},
	{"If-Unmodified-Since: " + changed, 200, 0, 9999},
	{"If-Unmodified-Since: Sat, 01 Jan 2050 00:00:00 GMT", 200, 0, 9999},
	{"If-Unmodified-Since: yesterday", 200, 0, 9999},
}

// Loops and goroutines read a request in different ways, and answer it alike.
func TestConditionsAndRanges(t *testing.T) {
	meta := segstore.Meta{Status: 200, Size: 10_000, ETag: `"v1"`, LastModified: changed}
	for _, row := range conditions {
		text := "GET / HTTP/1.1\r\nHost: a\r\n" + row.fields
		if row.fields != "" {
			text += "\r\n"
		}
		var head h1.Request
		if _, err := head.Parse([]byte(text+"\r\n"), h1.Viewers); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []Fields{&head, r.Header} {
			y := PlanFor(h, &meta)
			if y.Status != row.status || y.Bodied() && (y.Part.First != row.first || y.Part.Last != row.last) {
				t.Errorf("%q by a %T: %d, %d-%d; want %d, %d-%d", row.fields, h, y.Status, y.Part.First, y.Part.Last, row.status, row.first, row.last)
			}
		}
	}
}

// Most requests ask for all of it whatever they have: to see that takes no memory.
func TestRequestWithoutConditionsAllocatesNothing(t *testing.T) {
	meta := segstore.Meta{Status: 200, Size: 10_000, ETag: `"v1"`, LastModified: changed}
	var head h1.Request
	if _, err := head.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n"), h1.Viewers); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { PlanFor(&head, &meta) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Of an object of which nobody knows when it was changed no condition is false.
func TestConditionsWithoutADate(t *testing.T) {
	meta := segstore.Meta{Status: 200, Size: 10, ETag: `"v1"`}
	for _, field := range []string{"If-Unmodified-Since", "If-Modified-Since"} {
		if y := PlanFor(http.Header{field: {"Sat, 01 Jan 2000 00:00:00 GMT"}}, &meta); y.Status != 200 {
			t.Errorf("%s: %d", field, y.Status)
		}
	}
}

func TestOpenRange(t *testing.T) {
	for text, want := range map[string]int64{"bytes=0-": 0, "bytes=5-": 5, "bytes=5-6": -1, "bytes=-5": -1, "bytes=--5": -1, "bytes=+5-": -1, "bytes=5-,7-": -1, "": -1} {
		got, ok := OpenRange(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

func TestKeyOfAPartNamesIt(t *testing.T) {
	const key = "/a?b"
	for said, want := range map[string]string{"7": "7", "0-99": "0-99", "100-": "100-", "": "", "-5": "", "9-2": "", "x": "", "1-2,4-5": ""} {
		of := PartKey(key, said)
		if got := PartSaid(of); got != want || IsPart(of) != (want != "") || TargetOf(of) != key {
			t.Errorf("%q became %q", said, of)
		}
	}
	asked, ok := RangeOf(PartKey(key, "100-"))
	if !ok || asked.First != 100 || !asked.OpenEnd() {
		t.Errorf("%+v, %v", asked, ok)
	}
	// A variant of a part is a part of the variant.
	variant := VariantKey(PartKey(key, "5-9"), "accept-language:x", http.Header{"Accept-Language": {"de"}})
	if asked, ok := RangeOf(variant); !ok || asked.First != 5 || asked.Last != 9 || PartSaid(variant) != "5-9" || variant == PartKey(key, "5-9") {
		t.Errorf("%q: %+v, %v", variant, asked, ok)
	}
	if _, ok := RangeOf(SliceKey(key, 3)); ok {
		t.Error("a slice is none")
	}
}

func TestRangeOfAnOrigin(t *testing.T) {
	for _, c := range []struct {
		asked, said string
		length      int64
		ok          bool
	}{
		{"bytes=100-199", "bytes 100-199/300", 100, true},
		{"bytes=100-199", "bytes 100-149/150", -1, true},
		{"bytes=100-", "bytes 100-199/*", 100, true},
		{"bytes=100-199", "bytes 100-299/300", 200, false},
		{"bytes=100-199", "bytes 0-199/300", 200, false},
		{"bytes=100-199", "bytes 100-199/300", 99, false},
		{"bytes=100-", "bytes */300", 0, false},
		{"bytes=100-", "", 0, false},
	} {
		asked, _ := h1.ParseRange(c.asked)
		resp := &http.Response{Header: http.Header{"Content-Range": {c.said}}, ContentLength: c.length}
		if _, ok := RangeIn(resp, asked); ok != c.ok {
			t.Errorf("%s, %s: %v", c.asked, c.said, ok)
		}
	}
	h := http.Header{}
	PartPlan(100, 50).Extent(HeaderWriter{h}, &segstore.Meta{Size: -1})
	if h.Get("Content-Range") != "bytes 100-149/*" || h.Get("Content-Length") != "50" {
		t.Error(h)
	}
}

// The date of the last change is a validator where the origin gives no other one and
// answers long after it (RFC 9110 section 8.8.2.2).
func TestADateIsAValidatorALongTimeAfterIt(t *testing.T) {
	const long = "Fri, 12 Jan 2024 09:31:00 GMT"
	tag := DatedTag(http.Header{"Last-Modified": {changed}, "Date": {long}}, 10_000)
	if tag == "" || OwnTag(tag) || OriginTag(tag) != "" || ShownTag(tag) != tag || IfRange(tag) != changed {
		t.Fatalf("%s: own %v, the origin's %q, shown %q, If-Range %q", tag, OwnTag(tag), OriginTag(tag), ShownTag(tag), IfRange(tag))
	}
	if again := DatedTag(http.Header{"Last-Modified": {changed}, "Date": {"Sat, 13 Jan 2024 09:31:00 GMT"}}, 10_000); again != tag {
		t.Errorf("the same version is %s, %s", tag, again)
	}
	for _, other := range []string{DatedTag(http.Header{"Last-Modified": {changed}, "Date": {long}}, 10_001), DatedTag(http.Header{"Last-Modified": {"Fri, 12 Jan 2024 09:29:59 GMT"}, "Date": {long}}, 10_000)} {
		if other == "" || other == tag {
			t.Errorf("another version is %q as well", other)
		}
	}
	for name, h := range map[string]http.Header{
		"soon after it":   {"Last-Modified": {changed}, "Date": {"Fri, 12 Jan 2024 09:30:59 GMT"}},
		"no Date":         {"Last-Modified": {changed}},
		"no date of it":   {"Date": {long}},
		"it is malformed": {"Last-Modified": {"long ago"}, "Date": {long}},
		"one of no form":  {"Last-Modified": {changed}, "Date": {long}, "Etag": {`W/v`}},
	} {
		if got := DatedTag(h, 10_000); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	// With a weak one it is asked by nothing (section 13.1.5), and that one is compared.
	weak := DatedTag(http.Header{"Last-Modified": {changed}, "Date": {long}, "Etag": {`W/"v-1"`}}, 10_000)
	if weak == "" || weak == tag || OwnTag(weak) || OriginTag(weak) != `W/"v-1"` || IfRange(weak) != "" {
		t.Errorf("%s: own %v, the origin's %q, If-Range %q", weak, OwnTag(weak), OriginTag(weak), IfRange(weak))
	}
	if got := IfRange(`"v"`); got != `"v"` {
		t.Error(got)
	}
}
