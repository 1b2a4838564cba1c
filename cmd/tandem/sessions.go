package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"tandem/internal/setting"
	"tandem/internal/wire"
)

func sessionsCommand() command {
	c := &client{}
	limit := 0
	return command{
		name:    "sessions",
		summary: "every viewer: stream, edge, slot, last segment delivered in full",
		example: "tandem sessions --limit 20",
		rows: func() []setting.Row {
			return append(c.listRows(), setting.Int(&limit, "limit", 100, 1, 1000000, "sessions", "At most so many."))
		},
		run: func(ctx context.Context, _ []string, out io.Writer) error {
			return show(ctx, c, fmt.Sprintf("/api/v1/sessions?limit=%d", limit), out, printSessions)
		},
	}
}

func printSessions(out io.Writer, list wire.SessionList) {
	t := newTable("SESSION", "STREAM", "VIEWER", "EDGE", "POSITIONS", "LAST SEGMENT", ">AGE", ">SEEN", "")
	t.spare = []int{5, 2, 7, 6} // --json has all, and names in full
	now := time.Now().UnixMilli()
	ago := func(at int64) string { return (time.Duration(now-at) * time.Millisecond).Round(time.Second).String() }
	for _, s := range list.Sessions {
		note := ""
		if s.Standin {
			note = "taken over"
		}
		t.add(fmt.Sprintf("%d-%d-%d", s.Pair, s.Slot, s.Generation), tail(s.Stream, 20), s.Viewer, s.Edge, positions(s.Tracks), tail(s.Path, 24), ago(s.Opened), ago(s.Seen), note)
	}
	t.print(out)
	if len(list.Sessions) < list.Total {
		fmt.Fprintf(out, "\n%d of %d; --limit shows more\n", len(list.Sessions), list.Total)
	}
}

// positions are how far a session is in each of its tracks: the segment's number and
// its time in the presentation.
func positions(tracks []wire.Track) string {
	if len(tracks) == 0 {
		return "-"
	}
	texts := make([]string, 0, len(tracks))
	for _, t := range tracks {
		texts = append(texts, fmt.Sprintf("%s %d (%s)", t.Kind, t.Sequence, mediaTime(t.Time)))
	}
	return strings.Join(texts, ", ")
}

// mediaTime is milliseconds of a presentation as players show them.
func mediaTime(ms int64) string {
	s := ms / 1000
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// tail is the end of a long text.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "..." + s[len(s)-n+3:]
}
