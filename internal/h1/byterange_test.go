package h1

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const whole, none = -1, -2

// ranges of a body of 10,000 bytes: first and last, or whole (the field is ignored), or
// none (416).
var ranges = []struct {
	text        string
	first, last int64
}{
	{"bytes=0-9", 0, 9},
	{"bytes=0-0", 0, 0},
	{"Bytes=5-6", 5, 6},
	{"bytes=9990-", 9990, 9999},
	{"bytes=9000-20000", 9000, 9999},
	{"bytes=9999-9999", 9999, 9999},
	{"bytes=5-9223372036854775807", 5, 9999},
	{"bytes=5-9223372036854775808", 5, 9999},
	{"bytes=5-99999999999999999999999999", 5, 9999},
	{"bytes=-5", 9995, 9999},
	{"bytes=-20000", 0, 9999},
	{"bytes=-99999999999999999999999999", 0, 9999},
	{"bytes= 0-9", 0, 9},
	{"bytes=\t,0-9 , ,", 0, 9},
	{"bytes=000-009", 0, 9},
	{"bytes=10000-", none, none},
	{"bytes=20000-30000", none, none},
	{"bytes=99999999999999999999999999-", none, none},
	{"bytes=-0", none, none},
	{"", whole, whole},
	{"bytes", whole, whole},
	{"bytes=", whole, whole},
	{"bytes=,", whole, whole},
	{"bytes=-", whole, whole},
	{"bytes=5", whole, whole},
	{"bytes=9-5", whole, whole},
	{"bytes=--5", whole, whole},
	{"bytes=5--", whole, whole},
	{"bytes=5-6-7", whole, whole},
	{"bytes=+0-9", whole, whole},
	{"bytes=0-+9", whole, whole},
	{"bytes=-+5", whole, whole},
	{"bytes=0x0-0x9", whole, whole},
	{"bytes=0 -9", whole, whole},
	{"bytes=0- 9", whole, whole},
	{"bytes=a-b", whole, whole},
	{"bytes=0_0-9", whole, whole},
	{"bytes=\u0660-9", whole, whole},
	{"bytes 0-9", whole, whole},
	{" bytes=0-9", whole, whole},
	{"bytes =0-9", whole, whole},
	{"items=0-5", whole, whole},
	{"bytes=0-9,20-29", whole, whole},
	{"bytes=0-9,x", whole, whole},
	{"bytes=" + strings.Repeat("0-,", 1000), whole, whole},
}

func TestRanges(t *testing.T) {
	for _, row := range ranges {
		r, ok := ParseRange(row.text)
		again, okAgain := ParseRange([]byte(row.text))
		if r != again || ok != okAgain {
			t.Errorf("%.60q: %v %v as a string, %v %v as bytes", row.text, r, ok, again, okAgain)
		}
		first, last := int64(whole), int64(whole)
		if ok {
			if first, last, ok = r.Of(10_000); !ok {
				first, last = none, none
			}
		}
		if first != row.first || last != row.last {
			t.Errorf("%.60q: %d-%d; want %d-%d", row.text, first, last, row.first, row.last)
		}
	}
	for text, want := range map[string]bool{"bytes=5-": true, "bytes=0-": true, "bytes=5-6": false, "bytes=-5": false} {
		if r, ok := ParseRange(text); !ok || r.OpenEnd() != want {
			t.Errorf("%q: open end %v", text, r.OpenEnd())
		}
	}
	for _, text := range []string{"bytes=0-", "bytes=0-0", "bytes=-5"} {
		r, _ := ParseRange(text)
		if first, last, ok := r.Of(0); ok {
			t.Errorf("%q of nothing: %d-%d", text, first, last)
		}
	}
}

func TestContentRanges(t *testing.T) {
	for text, want := range map[string]ContentRange{
		"bytes 0-0/1": {0, 0, 1}, "bytes 5-9/10": {5, 9, 10}, "Bytes 5-9/*": {5, 9, -1}, "bytes 5-*/*": {5, -1, -1}, "bytes */10": {-1, -1, 10}, "bytes */0": {-1, -1, 0},
		"bytes 0-999999999999999998/999999999999999999": {0, 999999999999999998, 999999999999999999},
	} {
		got, ok := ParseContentRange(text)
		if again, okAgain := ParseContentRange([]byte(text)); !ok || got != want || again != got || !okAgain {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
		if length := got.Length(); want.Last >= 0 && length != want.Last-want.First+1 || want.Last < 0 && length != -1 {
			t.Errorf("%q: %d bytes", text, length)
		}
	}
	for _, text := range []string{
		"", "bytes", "bytes */*", "bytes */", "bytes 5-4/10", "bytes 5-10/10", "bytes 5-9", "bytes=5-9/10", "byte 5-9/10", "bytes -9/10", "bytes 5-/10", "bytes 5-9/1x",
		"bytes +5-9/10", "bytes 5-*/10", "bytes *-9/10", "bytes  5-9/10", "bytes 5 -9/10", "bytes 5-9/10 ", "bytes 5-9/99999999999999999999", "bytes 5-9/10/10", "bytes 5/10",
	} {
		if got, ok := ParseContentRange(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// FuzzRange: what is taken for a range is one to net/http too, and the same part; what
// is not has no room for doubt that it is to be ignored.
func FuzzRange(f *testing.F) {
	for _, row := range ranges {
		f.Add(row.text)
	}
	content := bytes.NewReader(make([]byte, 10_000))
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := ParseRange(text)
		if !ok || r.Last == math.MaxInt64 && !strings.HasSuffix(strings.TrimRight(text, " \t,"), "-") || r.First > 1<<60 || r == (Range{-1, 0}) {
			return // numbers that net/http does not read, and one that it takes for a part
		}
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("Range", strings.Replace(text, text[:5], "bytes", 1)) // it knows it in small letters alone
		w := httptest.NewRecorder()
		http.ServeContent(w, req, "", time.Time{}, content)
		want := "bytes */10000"
		if first, last, ok := r.Of(10_000); ok {
			want = fmt.Sprintf("bytes %d-%d/10000", first, last)
		}
		if got := w.Header().Get("Content-Range"); got != want && w.Code != http.StatusOK {
			t.Fatalf("%q: net/http has %d %q; we have %q", text, w.Code, got, want)
		}
	})
}
