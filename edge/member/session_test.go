package member

import (
	"fmt"
	"slices"
	"testing"

	"tandem/internal/wire"
)

// A player of low latency asks for each playlist anew with every part. These reloads
// are one manifest of its session, the newest, and push none of the others out.
func TestReloadsOfABlockedPlaylistAreOneManifest(t *testing.T) {
	s := &session{}
	s.asked("/top.m3u8")
	for part := range 3 * wire.MaxManifests {
		for _, track := range []string{"/v.m3u8", "/a.m3u8?x=1"} {
			sign := map[bool]string{true: "?", false: "&"}[track == "/v.m3u8"]
			s.asked(fmt.Sprintf("%s%s_HLS_msn=7&_HLS_part=%d", track, sign, part))
		}
		if part == 1 {
			s.tracks[0] = wire.Track{Manifest: s.manifests[1], Target: "/1.mp4"}
		}
	}
	last := 3*wire.MaxManifests - 1
	want := []string{fmt.Sprintf("/a.m3u8?x=1&_HLS_msn=7&_HLS_part=%d", last), fmt.Sprintf("/v.m3u8?_HLS_msn=7&_HLS_part=%d", last), "/top.m3u8"}
	if !slices.Equal(s.manifests, want) || s.tracks[0].Manifest != want[1] || s.news[manifestsNews] != 3 {
		t.Errorf("%v, a track by %s, told %d times", s.manifests, s.tracks[0].Manifest, s.news[manifestsNews])
	}
}
