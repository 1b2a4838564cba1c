package systest

import (
	"bytes"
	"os/exec"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// A real reader: ffmpeg plays the whole stream while the edge that delivers it
// dies, or hangs, and decodes the very frames that it decodes from the origin.
func TestFfmpegGetsEveryFrame(t *testing.T) {
	h := start(t)
	f := h.File()
	for _, row := range []struct{ name, entry, fault string }{
		{"HLS, an edge is killed", "/sample/master.m3u8", "kill"},
		{"DASH, an edge is killed", "/sample/manifest.mpd", "kill"},
		{"HLS, an edge hangs", "/sample/master.m3u8", "stop"},
	} {
		t.Run(row.name, func(t *testing.T) {
			want := frames(t, exec.Command("ffmpeg", ffmpegArgs(f.Node("origin-1").HTTP+row.entry, "1000")...))
			read := exec.Command("ffmpeg", ffmpegArgs(f.Viewers[0]+row.entry, "8")...)
			var got string
			done := make(chan struct{})
			go func() { got = frames(t, read); close(done) }()
			s := h.Await("ffmpeg is in", 20*time.Second, func(s *wire.Status) bool { return s.Sessions > 0 && delivers(s) })
			time.Sleep(1500 * time.Millisecond)
			name := busiest(s)
			if row.fault == "kill" {
				killed(t, h, name)
				<-done
				returned(t, h, name)
			} else {
				must(t, h.Stop(name))
				<-done
				must(t, h.Cont(name))
				h.Await(name+" is back", 30*time.Second, cluster.AllUp)
			}
			if lines := bytes.Count([]byte(want), []byte("\n")); lines < 1000 || got != want {
				t.Errorf("%d lines of frame digests from the origin, %d through the cluster, not the same", lines, bytes.Count([]byte(got), []byte("\n")))
			}
		})
	}
}

func delivers(s *wire.Status) bool {
	for _, e := range s.Edges {
		if e.Delivering > 0 {
			return true
		}
	}
	return false
}

// ffmpegArgs read a whole stream at so many times its speed.
func ffmpegArgs(url, speed string) []string {
	return []string{"-v", "error", "-nostdin", "-readrate", speed, "-i", url, "-map", "0:v:0", "-f", "framemd5", "-"}
}

// frames is the digest of every decoded frame.
func frames(t *testing.T, ffmpeg *exec.Cmd) string {
	var out, errs bytes.Buffer
	ffmpeg.Stdout, ffmpeg.Stderr = &out, &errs
	if err := ffmpeg.Run(); err != nil || errs.Len() > 0 {
		t.Errorf("ffmpeg: %v: %s", err, errs.String())
	}
	return out.String()
}
