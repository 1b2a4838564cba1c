package origin

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tandem/internal/media"
)

// ffmpeg runs it and returns what it says; every complaint is an error.
func ffmpeg(t *testing.T, args ...string) string {
	t.Helper()
	binary, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is missing: make test needs it")
	}
	// A reader that waits for more of a live stream would wait for ever.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"-hide_banner", "-nostdin", "-v", "error"}, args...)...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, complaints.String())
	}
	return string(out)
}

// packets counts the packets of each stream as ffmpeg reads them from url.
func packets(t *testing.T, url string, args ...string) map[string]int {
	t.Helper()
	out := ffmpeg(t, append(append([]string{}, args...), "-i", url, "-map", "0", "-c", "copy", "-f", "framehash", "-hash", "adler32", "-")...)
	n := map[string]int{}
	for line := range strings.Lines(out) {
		if stream, _, ok := strings.Cut(line, ","); ok && !strings.HasPrefix(line, "#") {
			n[strings.TrimSpace(stream)]++
		}
	}
	return n
}

func TestPlayerReadsTheWholeSample(t *testing.T) {
	o := start(t, Config{Sample: true}, Deps{})
	for _, entry := range []string{"/sample/master.m3u8", "/sample/manifest.mpd"} {
		got := packets(t, o.url+entry)
		video, audio := 0, 0
		for _, n := range got {
			switch {
			case n == 60*25:
				video++
			case n >= 1875 && n <= 1876: // 32 ms each, one before the beginning
				audio++
			}
		}
		// ffmpeg shows the sound once for each variant of an HLS group at most.
		if video != 3 || audio < 1 || video+audio != len(got) {
			t.Errorf("%s: packets by stream: %v", entry, got)
		}
	}
	// And the pictures can be decoded.
	ffmpeg(t, "-i", o.url+"/sample/v0/index.m3u8", "-f", "null", "-")
}

func TestPlayerReadsALoopedChannelAcrossTheWrap(t *testing.T) {
	// 4 s after a wrap: the window holds the end of one loop and the beginning
	// of the next.
	now := time.Unix(60*1000+4, 0)
	o := start(t, Config{Sample: true, Loop: []string{"live=/sample/"}}, Deps{Now: func() time.Time { return now }})
	got := packets(t, o.url+"/live/v2/index.m3u8", "-live_start_index", "0", "-t", "18")
	for _, n := range got {
		if n < 440 || len(got) != 1 {
			t.Errorf("packets by stream: %v", got)
		}
	}
	_, body := o.get(t, "/live/manifest.mpd")
	p, err := media.Parse([]byte(body), media.Site{Origin: media.Unnamed(), Target: "/live/manifest.mpd"})
	if err != nil {
		t.Fatal(err)
	}
	tracks, err := p.Tracks(now)
	if err != nil || len(tracks) != 4 || !p.Live() {
		t.Fatalf("%v\n%s", err, body)
	}
	for _, track := range tracks {
		if len(track.Segments) < 9 {
			t.Errorf("%s: %d segments", track.Format.ID, len(track.Segments))
		}
		for _, s := range track.Segments {
			if answer, _ := o.ask(t, http.MethodHead, s.URI, nil); answer.StatusCode != 200 {
				t.Errorf("%s: %d", s.URI, answer.StatusCode)
			}
		}
	}
}

// TestPackagerIsTakenInAsItSends lets ffmpeg send live, and ends it in the middle
// of it: it does not wait for answers, so what it sends last may be lost.
func TestPackagerIsTakenInAsItSends(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{})
	sent := make(chan string, 1000)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.Handler().ServeHTTP(w, r)
		sent <- r.Method + " " + r.URL.Path
	}))
	ctx, stop := context.WithCancel(t.Context())
	source := []string{"-readrate", "4", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"}
	var ended sync.WaitGroup
	for _, sink := range [][]string{
		{"-f", "hls", "-hls_time", "1", "-hls_list_size", "3", "-hls_flags", "delete_segments", "-hls_delete_threshold", "1", "-method", "PUT", front.URL + "/one/index.m3u8"},
		{"-f", "dash", "-seg_duration", "1", "-method", "PUT", front.URL + "/two/manifest.mpd"},
	} {
		cmd := exec.CommandContext(ctx, "ffmpeg", append(append([]string{"-nostdin", "-v", "fatal"}, source...), sink...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended.Go(func() { _ = cmd.Wait() }) // it is killed
	}
	awaited := map[string]int{"PUT /one/index.m3u8": 6, "PUT /two/manifest.mpd": 6, "DELETE /one/index0.ts": 1}
	for late := time.After(30 * time.Second); len(awaited) > 0; {
		select {
		case what := <-sent:
			if n, ok := awaited[what]; ok && n > 1 {
				awaited[what]--
			} else {
				delete(awaited, what)
			}
		case <-late:
			stop()
			t.Fatalf("not sent: %v", awaited)
		}
	}
	stop()
	ended.Wait()
	front.Close() // waits for the uploads that have arrived

	if answer, _ := o.get(t, "/one/index0.ts"); answer.StatusCode != 404 {
		t.Errorf("a segment that was deleted: %d", answer.StatusCode)
	}
	for _, entry := range []string{"/one/index.m3u8", "/two/manifest.mpd"} {
		_, body := o.get(t, entry)
		m, err := media.Parse([]byte(body), media.Site{Origin: media.Unnamed(), Target: entry})
		if err != nil {
			t.Fatal(err)
		}
		tracks, err := m.Tracks(time.Now())
		if err != nil || len(tracks) != 1 || len(tracks[0].Segments) < 3 {
			t.Fatalf("%s: %v\n%s", entry, err, body)
		}
		// The last one may have been on its way when the end came.
		for _, s := range tracks[0].Segments[:len(tracks[0].Segments)-1] {
			if answer, got := o.get(t, s.URI); answer.StatusCode != 200 || len(got) < 500 || answer.Header.Get("Cache-Control") != "public, max-age=1" {
				t.Errorf("%s: %d, %d bytes, %s", s.URI, answer.StatusCode, len(got), answer.Header.Get("Cache-Control"))
			}
		}
	}
	if streams := o.catalog.streams(); len(streams) != 2 || streams[0].HLS != "/one/index.m3u8" || streams[1].DASH != "/two/manifest.mpd" || !streams[0].Live || !streams[1].Live {
		t.Errorf("catalog: %+v", streams)
	}
}
