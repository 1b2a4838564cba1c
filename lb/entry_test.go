package lb

import (
	"net"
	"net/http"
	"testing"

	"tandem/internal/wire"
)

// An entry is what the origin says is a manifest, whatever it is called; nothing
// else opens a session or places a stream.
func TestEntryIsWhatTheOriginCallsAManifest(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 20})
	for path, stream := range map[string]string{
		"/a/master.m3u8": "/a/", "/b/manifest.mpd": "/b/", "/c/ch.ism/manifest": "/c/ch.ism/", "/d/playlist?ch=1": "/d/", "/d/playlist?ch=2": "/d/",
	} {
		token, rest := c.sessionAt(first(c.viewer(nil, path)))
		if name, _ := c.lb.Placement().StreamBy(token.Stream); name != stream || rest != pathIn(path) {
			t.Errorf("%s: stream %q, led to %s", path, name, rest)
		}
	}
	// ffmpeg asks for whatever it opens as a range: all of it. A part is no entry.
	for asked, status := range map[string]int{"bytes=0-": http.StatusFound, "bytes=5-9": http.StatusPartialContent} {
		if resp, _ := c.viewer(nil, "/c/ch.ism/manifest", "Range", asked, "User-Agent", asked); resp.StatusCode != status {
			t.Errorf("%s: %s, want %d", asked, resp.Status, status)
		}
	}
	// What is called like media is asked for as a whole.
	for _, m := range []struct{ path, asked string }{{"/f/live.ts", ""}, {"/f/live.ts", "bytes=0-"}, {"/g/playlist.mp4", ""}} {
		token, rest := c.sessionAt(first(c.viewer(nil, m.path, "Range", m.asked, "User-Agent", m.path+m.asked)))
		if name, _ := c.lb.Placement().StreamBy(token.Stream); name != wire.StreamName(m.path) || rest != m.path {
			t.Errorf("%s, %s: stream %q, led to %s", m.path, m.asked, name, rest)
		}
		// Again, and by somebody else of that name and address: it is no segment of a session.
		c.sessionAt(first(c.viewer(nil, m.path, "Range", m.asked, "User-Agent", m.path+m.asked)))
	}
	if resp, _ := c.viewer(nil, "/g/playlist.mp4", "Range", "bytes=0-", "User-Agent", "seeks"); resp.StatusCode != http.StatusPartialContent {
		t.Errorf("a file that is read in parts: %s", resp.Status)
	}
	placed := c.lb.Placement().Streams.Len()
	for _, path := range []string{"/a/page", "/a/index.html", "/e/x.json", "/e/1.m4s", "/favicon.ico"} {
		if resp, body := c.viewer(nil, path); resp.StatusCode != http.StatusOK || string(body) != "object "+path {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
	if n := c.lb.Placement().Streams.Len(); n != placed || c.opened() != 9 {
		t.Errorf("%d streams placed by what is no manifest, %d slots given", n-placed, c.opened())
	}
}

func first[A, B any](a A, _ B) A { return a }

func pathIn(target string) string {
	for i := range len(target) {
		if target[i] == '?' {
			return target[:i]
		}
	}
	return target
}

// With segments only in sessions, what has no extension is an entry or nothing.
func TestOnlyEntriesAreServedWhereSegmentsNeedASession(t *testing.T) {
	c := newStage(t, stageOptions{edges: 1, capacity: 8, config: func(cfg *Config) { cfg.LooseSegments = false }})
	for path, status := range map[string]int{"/c/manifest": http.StatusFound, "/c/page": http.StatusForbidden, "/c/1.m4s": http.StatusForbidden} {
		if resp, _ := c.viewer(nil, path); resp.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, resp.Status, status)
		}
	}
}

// One viewer is one session, also where its player asks for the playlists below the
// entry at the entry's own address; another stream below is another stream.
func TestOneViewerIsOneSessionWhateverPlaylistsItAsks(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 100})
	viewer := c.person()
	entry, _ := c.sessionAt(first(c.viewer(viewer, "/film/master.m3u8")))
	for _, path := range []string{"/film/v0/index.m3u8", "/film/audio/en/playlist", "/film/master.m3u8", "/film/v0/index.m3u8?_HLS_msn=7"} {
		if again, rest := c.sessionAt(first(c.viewer(viewer, path))); again != entry || rest != pathIn(path) {
			t.Errorf("%s: another session, led to %s", path, rest)
		}
	}
	for _, path := range []string{"/film/extra/master.m3u8", "/film/two/manifest.mpd"} {
		other, _ := c.sessionAt(first(c.viewer(viewer, path)))
		if name, _ := c.lb.Placement().StreamBy(other.Stream); other.SessionID == entry.SessionID || name != wire.StreamName(path) {
			t.Errorf("%s is swallowed by %q", path, name)
		}
	}
	// By the player's own name of its session, on whatever connection.
	named := []string{"X-Playback-Session-Id", "seven"}
	entry, _ = c.sessionAt(first(c.viewer(nil, "/film/master.m3u8", named...)))
	for _, path := range []string{"/film/v0/index.m3u8", "/film/v1/manifest.mpd"} {
		if again, _ := c.sessionAt(first(c.viewer(nil, path, named...))); again != entry {
			t.Errorf("%s by its name: another session", path)
		}
	}
	// Somebody else begins with a list of segments.
	if other, _ := c.sessionAt(first(c.viewer(nil, "/film/v0/index.m3u8"))); other.SessionID == entry.SessionID {
		t.Error("two viewers have one session")
	}
}

// Who hears a player's name of its session elsewhere gets nobody's session by it.
func TestNameOfASessionIsOneAddresss(t *testing.T) {
	c := newStage(t, stageOptions{edges: 2, capacity: 20})
	from := func(address string) wire.Token {
		client := c.person()
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		client.Transport.(*http.Transport).DialContext = dialer.DialContext
		token, _ := c.sessionAt(first(c.viewer(client, "/film/master.m3u8", "X-Playback-Session-Id", "guessed")))
		return token
	}
	one, again, other := from("127.0.0.2"), from("127.0.0.2"), from("127.0.0.3")
	if one != again || one.SessionID == other.SessionID {
		t.Errorf("%+v, %+v, from elsewhere %+v", one, again, other)
	}
}

// A part of what is no media is asked for where the whole would be, whoever asks.
func TestPartIsAskedForWhereTheWholeIs(t *testing.T) {
	c := newStage(t, stageOptions{edges: 3, capacity: 100})
	for _, folder := range []string{"/a/", "/b/", "/c/", "/placed/"} {
		if folder == "/placed/" {
			c.sessionAt(first(c.viewer(nil, folder+"master.m3u8")))
		}
		for _, asked := range []string{"bytes=0-", "bytes=0-1", "bytes=5-", "bytes=-4"} {
			c.viewer(nil, folder+"page", "Range", asked, "User-Agent", folder+asked)
		}
		at := 0
		for _, m := range c.members {
			m.locked(func() {
				if m.asked[folder+"page"] > 0 {
					at++
				}
			})
		}
		if at != 1 {
			t.Errorf("%s: %d edges were asked", folder, at)
		}
	}
}
