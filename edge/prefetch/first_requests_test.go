package prefetch

import (
	"fmt"
	"slices"
	"testing"

	"tandem/internal/wire"
)

// counted is what is counted, as "video ready 1".
func counted(c *Takeovers) (list []string) {
	for _, n := range c.List() {
		list = append(list, fmt.Sprint(n.Track, " ", n.Outcome, " ", n.Count))
	}
	return list
}

// Who asks in the moment of the takeover, before it is known what comes next, or before
// a live playlist lists it, asks for nothing that was not foreseen: he has to wait for it.
func TestWhoAsksBeforeItIsKnownWhatComesNextHasToWait(t *testing.T) {
	tracks := [wire.MaxTracks]wire.Track{wire.VideoTrack: {Target: "/10.m4s"}, wire.AudioTrack: {Target: "/film.mp4", First: 100, Last: 199}}
	video := []*Job{{What: Wanted{Target: "/11.m4s"}}, {What: Wanted{Target: "/12.m4s"}}}
	audio := []*Job{{What: Wanted{Target: "/film.mp4"}}}
	audio[0].What.Part.First, audio[0].What.Part.Length = 200, 100
	for _, c := range []struct {
		listed []*Job // before it asks
		asks   string
		first  int64
		kind   wire.TrackKind
		expect []*Job
		wants  string
	}{
		{asks: "/11.m4s", kind: wire.VideoTrack, expect: video, wants: "video late 1"},
		{asks: "/12.m4s", kind: wire.VideoTrack, expect: video, wants: "video late 1"},
		{listed: []*Job{}, asks: "/11.m4s", kind: wire.VideoTrack, expect: video, wants: "video unlisted 1"},
		{asks: "/film.mp4", first: 200, kind: wire.AudioTrack, expect: audio, wants: "audio late 1"},
		{asks: "/50.m4s", kind: wire.VideoTrack, expect: video, wants: "video unforeseen 1"},
		{asks: "/film.mp4", first: 700, kind: wire.AudioTrack, expect: audio, wants: "audio unforeseen 1"},
	} {
		var counts Takeovers
		j := NewFirstRequests(1, &tracks, nil)
		if c.listed != nil {
			j.Expect(c.kind, c.listed)
		}
		for range 20 { // a player repeats itself
			j.Asks("/list.m3u8", 0, &counts)
		}
		j.Asks(c.asks, c.first, &counts)
		j.Expect(c.kind, c.expect)
		j.Delivered(c.kind, &counts)
		j.Delivered(c.kind, &counts)
		if got := counted(&counts); !slices.Equal(got, []string{c.wants}) || j.Awaits(c.kind) {
			t.Errorf("%s from byte %d: %q, want %q", c.asks, c.first, got, c.wants)
		}
		if len(j.asked) > maxAsked {
			t.Errorf("%d requests are kept", len(j.asked))
		}
	}
}

// What was foreseen long ago is no memory of now.
func TestWhatWasForeseenLongAgoDoesNotCount(t *testing.T) {
	tracks := [wire.MaxTracks]wire.Track{wire.VideoTrack: {Target: "/1.m4s"}}
	for after, want := range map[int64]int{Valid.Milliseconds() - 1: 1, Valid.Milliseconds(): 0} {
		var counts Takeovers
		before := &Foreseen{At: 1}
		before.Expect(wire.VideoTrack, []*Job{{What: Wanted{Target: "/2.m4s"}}})
		if NewFirstRequests(1+after, &tracks, before).Asks("/2.m4s", 0, &counts); len(counted(&counts)) != want {
			t.Errorf("after %d ms: %q", after, counted(&counts))
		}
	}
}
