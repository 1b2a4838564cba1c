package origin

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
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
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"-hide_banner", "-nostdin", "-v", "error"}, args...)...)
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
			case n == 60*25 || n == 60*25-1: // ffmpeg's DASH reader leaves out the last one
				video++
			case n >= 1870 && n <= 1875: // 32 ms each
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
	p, err := media.ParseMPD([]byte(body), now)
	if err != nil || len(p.Tracks) != 4 || !p.Dynamic {
		t.Fatalf("%v\n%s", err, body)
	}
	for _, track := range p.Tracks {
		if len(track.Segments) < 9 {
			t.Errorf("%s: %d segments", track.Format.ID, len(track.Segments))
		}
		for _, s := range track.Segments {
			if answer, _ := o.ask(t, http.MethodHead, "/live/"+s.URI, nil); answer.StatusCode != 200 {
				t.Errorf("%s: %d", s.URI, answer.StatusCode)
			}
		}
	}
}

func TestPackagerIsTakenInAsItSends(t *testing.T) {
	o := start(t, Config{Media: t.TempDir(), Ingest: true}, Deps{})
	// Fatal only: its DASH writer calls it an error that HTTP knows no rename.
	source := []string{"-v", "fatal", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=8", "-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p"}
	ffmpeg(t, append(source, "-f", "hls", "-hls_time", "2", "-hls_list_size", "3", "-hls_flags", "delete_segments", "-hls_delete_threshold", "1",
		"-method", "PUT", "-http_persistent", "1", o.url+"/one/index.m3u8")...)
	ffmpeg(t, append(source, "-f", "dash", "-seg_duration", "2", "-method", "PUT", o.url+"/two/manifest.mpd")...)
	for entry, want := range map[string]int{"/one/index.m3u8": 60, "/two/manifest.mpd": 80} {
		for _, n := range packets(t, o.url+entry) {
			if n != want {
				t.Errorf("%s: %d pictures, want %d", entry, n, want)
			}
		}
	}
	if streams := o.catalog.streams(); len(streams) != 2 || streams[0].HLS != "/one/index.m3u8" || streams[1].DASH != "/two/manifest.mpd" {
		t.Errorf("catalog: %+v", streams)
	}
}
