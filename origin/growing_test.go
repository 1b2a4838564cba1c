package origin

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// pushing is an upload that its test sends piece by piece.
type pushing struct {
	t    *testing.T
	feed *io.PipeWriter
	done chan *http.Response
}

// push begins a PUT; size -1 is a chunked one.
func (s started) push(t *testing.T, path string, size int64, headers ...string) *pushing {
	t.Helper()
	body, feed := io.Pipe()
	p := &pushing{t, feed, make(chan *http.Response, 1)}
	req, err := http.NewRequest(http.MethodPut, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	go func() {
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			answer = &http.Response{Status: err.Error(), Body: http.NoBody}
		}
		answer.Body.Close()
		p.done <- answer
	}()
	t.Cleanup(func() { feed.CloseWithError(errors.New("the test is over")) })
	return p
}

func (p *pushing) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.feed, text); err != nil {
		p.t.Fatal(err)
	}
}

// end ends the push and returns its status.
func (p *pushing) end() int {
	p.feed.Close()
	return (<-p.done).StatusCode
}

// arrived waits until so many bytes of a push can be read.
func (s started) arrived(t *testing.T, path string, n int64) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if p := s.ingest.Growing(path); p != nil {
			available, _, err := p.Wait(t.Context(), n-1)
			p.LetGo()
			if err != nil || available < n {
				t.Fatalf("%d bytes of %s, %v", available, path, err)
			}
			return
		}
	}
	t.Fatalf("no push of %s has begun", path)
}

// asked waits until so many GETs of a path have been counted: they have found what
// they read then.
func (s started) asked(t *testing.T, path string, n int64) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); s.counts.take(false)[path] < n; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s was asked for %d times", path, s.counts.take(false)[path])
		}
	}
}

// open begins a GET and leaves its body to the test.
func (s started) open(t *testing.T, path string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// reads reads so many bytes and compares them.
func reads(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// A viewer of a low-latency channel asks for a segment that is still being made:
// every chunk reaches it as it comes, whether the encoder says how long the
// segment will be or not.
func TestWhatIsBeingPushedCanBeRead(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{})
	for path, size := range map[string]int64{"/air/1.m4s": -1, "/air/2.m4s": 9} {
		p := o.push(t, path, size)
		p.send("one")
		o.arrived(t, path, 3)
		first := o.open(t, path)
		reads(t, first.Body, "one")
		p.send("two")
		reads(t, first.Body, "two")
		second := o.open(t, path)
		reads(t, second.Body, "onetwo")
		if first.ContentLength != size || first.Header.Get("Cache-Control") != "public, max-age=1" || first.Header.Get("Content-Type") != "video/iso.segment" || first.Header.Get("ETag") != "" {
			t.Errorf("%s: %d %v", path, first.ContentLength, first.Header)
		}
		if head, body := o.ask(t, http.MethodHead, path, nil); head.StatusCode != 200 || body != "" || head.ContentLength != size {
			t.Errorf("%s: HEAD: %s %d", path, head.Status, head.ContentLength)
		}
		p.send("six")
		if status := p.end(); status != 201 {
			t.Fatalf("%s: pushed: %d", path, status)
		}
		for _, answer := range []*http.Response{first, second} {
			if rest, err := io.ReadAll(answer.Body); string(rest) != "six" || err != nil {
				t.Errorf("%s: the end is %q, %v", path, rest, err)
			}
		}
		if whole, body := o.get(t, path); body != "onetwosix" || whole.Header.Get("ETag") == "" {
			t.Errorf("%s: afterwards: %q %v", path, body, whole.Header)
		}
	}
	if n := value(t, o, "tandem_origin_digests_total"); n != 0 {
		t.Errorf("%v objects were read again for their digest", n)
	}
}

// An encoder that was restarted pushes over the names of its last run: who reads
// the old version goes on, who asks now gets the new one, and nobody a mixture. A
// playlist is the old one until the new one is whole.
func TestReaderGetsTheOldOneOrTheNewOneAndNeverHalf(t *testing.T) {
	dir := t.TempDir()
	o := start(t, Config{Media: dir, Ingest: true, IngestMaxBytes: 8 << 20}, Deps{})
	old := strings.Repeat("old ", 1<<20) // more than sockets hold
	for _, path := range []string{"/air/1.m4s", "/air/index.m3u8"} {
		if answer, _ := o.ask(t, http.MethodPut, path, strings.NewReader(old)); answer.StatusCode != 201 {
			t.Fatalf("created: %d", answer.StatusCode)
		}
	}
	slow, list := o.open(t, "/air/1.m4s"), o.push(t, "/air/index.m3u8", -1)
	segment := o.push(t, "/air/1.m4s", -1)
	list.send("new ")
	segment.send("new ")
	o.arrived(t, "/air/1.m4s", 4)
	if _, body := o.get(t, "/air/index.m3u8"); body != old {
		t.Errorf("a playlist that is being pushed: %.20q", body)
	}
	now := o.open(t, "/air/1.m4s")
	reads(t, now.Body, "new ")
	segment.send("end")
	if a, b := segment.end(), list.end(); a != 204 || b != 204 {
		t.Fatalf("replaced: %d, %d", a, b)
	}
	reads(t, now.Body, "end")
	if got, err := io.ReadAll(slow.Body); string(got) != old || err != nil {
		t.Errorf("the reader of the old version got %d bytes, %v", len(got), err)
	}
	if _, body := o.get(t, "/air/index.m3u8"); body != "new " {
		t.Errorf("a playlist that was pushed: %.20q", body)
	}
	nothingLeft(t, dir)
}

// A push that breaks off breaks its readers visibly, and leaves what was there.
func TestBrokenPushBreaksItsReadersAndLeavesTheOldVersion(t *testing.T) {
	dir := t.TempDir()
	o := start(t, Config{Media: dir, Ingest: true}, Deps{})
	o.ask(t, http.MethodPut, "/air/1.m4s", strings.NewReader("old"))
	for _, path := range []string{"/air/1.m4s", "/air/2.m4s"} {
		p := o.push(t, path, -1)
		p.send("new")
		o.arrived(t, path, 3)
		reader := o.open(t, path)
		reads(t, reader.Body, "new")
		p.feed.CloseWithError(errors.New("the encoder died"))
		if rest, err := io.ReadAll(reader.Body); err == nil {
			t.Errorf("%s: the reader saw a clean end after %q", path, rest)
		}
		<-p.done
		o.settled(t)
	}
	if _, body := o.get(t, "/air/1.m4s"); body != "old" {
		t.Errorf("afterwards: %q", body)
	}
	if answer, _ := o.get(t, "/air/2.m4s"); answer.StatusCode != 404 {
		t.Errorf("what never was whole: %s", answer.Status)
	}
	nothingLeft(t, dir)
}

// settled waits until no push runs.
func (s started) settled(t *testing.T) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		if value(t, s, "tandem_origin_ingest_pushes") == 0 {
			return
		}
	}
	t.Fatal("pushes go on")
}

// Parts by byte range (EXT-X-PART) of a segment that is still being pushed: given
// when their last byte is there.
func TestPartOfWhatIsBeingPushed(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{})
	open, sized := o.push(t, "/air/open.m4s", -1), o.push(t, "/air/sized.m4s", 10)
	for _, p := range []*pushing{open, sized} {
		p.send("012345")
	}
	o.arrived(t, "/air/open.m4s", 6)
	o.arrived(t, "/air/sized.m4s", 6)
	for _, c := range []struct{ path, asked, extent, body string }{
		{"/air/open.m4s", "bytes=2-4", "bytes 2-4/*", "234"},
		{"/air/sized.m4s", "bytes=2-4", "bytes 2-4/10", "234"},
		{"/air/sized.m4s", "bytes=0-0", "bytes 0-0/10", "0"},
	} {
		if answer, body := o.get(t, c.path, "Range", c.asked); answer.StatusCode != 206 || body != c.body || answer.Header.Get("Content-Range") != c.extent || answer.ContentLength != int64(len(c.body)) {
			t.Errorf("%s %s: %s %q %s", c.path, c.asked, answer.Status, body, answer.Header.Get("Content-Range"))
		}
	}
	if answer, _ := o.get(t, "/air/sized.m4s", "Range", "bytes=10-"); answer.StatusCode != 416 || answer.Header.Get("Content-Range") != "bytes */10" {
		t.Errorf("beyond the end: %s %v", answer.Status, answer.Header)
	}
	later, tail := make(chan string, 1), o.open(t, "/air/sized.m4s", "Range", "bytes=-5")
	go func() {
		_, body := o.get(t, "/air/open.m4s", "Range", "bytes=5-99")
		later <- body
	}()
	reads(t, tail.Body, "5")
	o.asked(t, "/air/open.m4s", 2)
	for _, p := range []*pushing{open, sized} {
		p.send("6789")
		if status := p.end(); status != 201 {
			t.Fatal(status)
		}
	}
	if got := <-later; got != "56789" {
		t.Errorf("a part that came later: %q", got)
	}
	reads(t, tail.Body, "6789")
	whole := bytes.NewBufferString("")
	if n, err := io.Copy(whole, tail.Body); n != 0 || err != nil || tail.Header.Get("Content-Range") != "bytes 5-9/10" {
		t.Errorf("behind the tail: %d %v %v", n, err, tail.Header)
	}
}
