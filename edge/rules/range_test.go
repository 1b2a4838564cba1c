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
