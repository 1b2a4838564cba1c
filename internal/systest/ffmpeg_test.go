package systest

import (
	"bytes"
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/cluster"
	"tandem/internal/wire"
)

// A real reader: ffmpeg plays the whole stream, picture and sound, while the
// edge that delivers it dies, or hangs, and decodes the very frames that it
// decodes from the origin.
func TestFfmpegGetsEveryFrame(t *testing.T) {
	for _, row := range []struct{ name, entry, fault string }{
		{"HLS, the edge is killed", stored, "kill"},
		{"HLS, the edge hangs", stored, "stop"},
		{"DASH, the edge is killed", "/sample/manifest.mpd", "kill"},
		{"DASH, the edge hangs", "/sample/manifest.mpd", "stop"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			// A cluster of its own: ffmpeg asks DASH segments at the entry, so by address
			// and name it would be the viewer of the run before.
			h := start(t)
			f := h.File()
			want := frames(t, f.Node("origin-1").HTTP+row.entry, 1000)
			if len(want) != 2 || len(want["0"]) != 60*25 || len(want["1"]) < 1870 {
				t.Fatalf("at the origin: %d frames of picture, %d of sound", len(want["0"]), len(want["1"]))
			}
			fail, back := killed, returned
			if row.fault == "stop" {
				fail, back = hung, awoken
			}
			sameFrames(t, want, readUnder(t, h, row.entry, func(edge string) { fail(t, h, edge) }, func(edge string) { back(t, h, edge) }))
		})
	}
}

// hung stops an edge and waits until the placement says that it is gone.
func hung(t *testing.T, h *cluster.Harness, edge string) {
	t.Helper()
	must(t, h.Stop(edge))
	h.Await(edge+" is declared dead", 10*time.Second, func(s *wire.Status) bool { return cluster.EdgeState(s, edge) == wire.EdgeDown })
}

// awoken lets it go on; it comes back by itself.
func awoken(t *testing.T, h *cluster.Harness, edge string) {
	t.Helper()
	must(t, h.Cont(edge))
	h.Await(edge+" is back", 30*time.Second, cluster.AllUp)
}

// readUnder reads a whole stream through the cluster, at 8 times its speed so
// that there is a middle. There the edge that delivers it fails; it comes back
// when all has been read.
func readUnder(t *testing.T, h *cluster.Harness, entry string, fail, back func(edge string)) map[string][]string {
	t.Helper()
	known := map[wire.SessionID]bool{}
	for _, s := range openSessions(t, h) {
		known[s.SessionID] = true
	}
	f := h.File()
	var got map[string][]string
	done := make(chan struct{})
	go func() { defer close(done); got = frames(t, f.Viewers[0]+entry, 8) }()
	defer func() { <-done }()
	var own wire.SessionInfo
	h.Await("ffmpeg is in the middle", 20*time.Second, func(*wire.Status) bool {
		for _, s := range openSessions(t, h) {
			if !known[s.SessionID] && strings.Contains(s.Path, "/seg") && s.Position > 3 {
				own = s
			}
		}
		return own.Edge != ""
	})
	fail(own.Edge)
	select {
	case <-done:
		t.Errorf("ffmpeg had read all before %s was gone; this shows nothing", own.Edge)
	default:
	}
	for _, s := range openSessions(t, h) {
		if s.SessionID == own.SessionID && s.Edge == own.Edge {
			t.Errorf("the session is still with %s, which is gone", own.Edge)
		}
	}
	<-done
	back(own.Edge)
	return got
}

func openSessions(t *testing.T, h *cluster.Harness) []wire.SessionInfo {
	t.Helper()
	var list wire.SessionList
	must(t, h.API("/api/v1/sessions?limit=1000", &list))
	return list.Sessions
}

// frames is the digest of every decoded frame with its times, by stream: "0" is
// the picture, "1" the sound. How the two are interleaved is ffmpeg's affair.
// What it complains about fails the test.
func frames(t *testing.T, url string, speed int) map[string][]string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ffmpeg := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-threads", "1",
		"-readrate", strconv.Itoa(speed), "-i", url, "-map", "0:v:0", "-map", "0:a:0", "-f", "framemd5", "-")
	var out, errs bytes.Buffer
	ffmpeg.Stdout, ffmpeg.Stderr = &out, &errs
	if err := ffmpeg.Run(); err != nil || errs.Len() > 0 {
		t.Errorf("ffmpeg: %v: %s", err, errs.String())
	}
	streams := map[string][]string{}
	for line := range strings.Lines(out.String()) {
		if stream, rest, ok := strings.Cut(line, ","); ok && !strings.HasPrefix(line, "#") {
			streams[stream] = append(streams[stream], rest)
		}
	}
	return streams
}

// sameFrames tells the first frame that differs.
func sameFrames(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for stream, frames := range want {
		if len(got[stream]) != len(frames) {
			t.Errorf("stream %s: %d frames, not %d", stream, len(got[stream]), len(frames))
		}
		for i, frame := range frames {
			if i < len(got[stream]) && got[stream][i] != frame {
				t.Errorf("stream %s, frame %d: %q, not %q", stream, i, got[stream][i], frame)
				break
			}
		}
	}
}
