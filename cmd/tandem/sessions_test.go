package main

import (
	"bytes"
	"strings"
	"testing"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func TestSessionsAreShownWithAPositionATrack(t *testing.T) {
	var out bytes.Buffer
	printSessions(&out, wire.SessionList{Total: 2, Sessions: []wire.SessionInfo{
		{Stream: "/film/", Path: "/film/a/511.m4s", Tracks: []wire.Track{
			{Kind: wire.VideoTrack, Sequence: 510, Time: 2_040_000}, {Kind: wire.AudioTrack, Sequence: 511, Time: 4_009}, {Kind: wire.SubtitlesTrack, Sequence: 1_340_000_000, Time: 3_723_000},
		}},
		{Stream: "/other/"},
	}})
	for _, want := range []string{"video 510 (34:00), audio 511 (0:04), subtitles 1340000000 (1:02:03)", "/film/", "/other/"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// Whatever an origin calls its streams, an operator reads a session on one line.
func TestSessionsFitIn80Columns(t *testing.T) {
	var out bytes.Buffer
	name := "/" + strings.Repeat("long/", 200) + "its-end/"
	printSessions(&out, wire.SessionList{Total: 1, Sessions: []wire.SessionInfo{{
		SessionID: wire.SessionID{Pair: 12, Slot: 3456, Generation: 78}, Stream: name, Path: name + "v/511.m4s", Viewer: "2001:db8:1234:5678::1", Edge: "edge-12",
		Tracks: []wire.Track{{Kind: wire.VideoTrack, Sequence: 510, Time: 2_040_000}, {Kind: wire.AudioTrack, Sequence: 511, Time: 2_044_000}},
	}}})
	for line := range strings.Lines(out.String()) {
		if len(line) > setting.Columns+1 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	for _, want := range []string{"12-3456-78", "its-end/", "edge-12", "audio 511 (34:04)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
