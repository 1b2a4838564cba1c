package stepback

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tandem/edge/manifest"
	"tandem/internal/media"
	"tandem/internal/wire"
)

func list(t *testing.T, first int) *media.Manifest {
	t.Helper()
	body := fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", first)
	for i := first; i < first+3; i++ {
		body += fmt.Sprintf("#EXTINF:4,\n%d.ts\n", i)
	}
	m, err := media.Parse([]byte(body), media.Site{Origin: media.Unnamed(), Target: "/a.m3u8"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func guard() *Guard { return &Guard{Redirects: &manifest.Redirects{}, Now: time.Now} }

// Who had a newer list waits until the origin has it, one interval at most; others wait for
// nothing, whatever somebody else had.
func TestASessionDoesNotGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard()
		ask := func(session Session, target string, first int, next ...int) (asked int, waited time.Duration) {
			began := time.Now()
			g.Follow(context.Background(), session, false, target, list(t, first), func() *media.Manifest {
				if asked == len(next) {
					return nil
				}
				asked++
				return list(t, next[asked-1])
			})
			return asked, time.Since(began)
		}
		for i, c := range []struct {
			session Session
			target  string
			first   int
			next    []int
			asked   int
			waited  time.Duration
		}{
			{Session{1, 0}, "/a.m3u8", 10, []int{10}, 0, 0},
			{Session{1, 1}, "/a.m3u8", 9, []int{10}, 0, 0},
			{Session{1, 0}, "/b.m3u8", 9, []int{10}, 0, 0},
			{Session{1, 0}, "/a.m3u8", 9, []int{10}, 1, 0}, // another origin has it
			{Session{1, 0}, "/a.m3u8?_HLS_msn=13", 9, []int{9, 9, 9, 9, 11}, 5, 6 * time.Second},
			{Session{1, 0}, "/a.m3u8", 10, []int{10, 10, 10, 10, 10, 11}, 5, 6 * time.Second}, // that is what there is
			{Session{1, 0}, "/a.m3u8", 10, []int{11}, 0, 0},
			{Session{1, 0}, "/a.m3u8", 9, nil, 0, 0}, // the origin fails
			{Session{1, 0}, "/a.m3u8", 0, []int{11}, 0, 0},
		} {
			if asked, waited := ask(c.session, c.target, c.first, c.next...); asked != c.asked || waited != c.waited {
				t.Errorf("%d: asked %d times in %s, want %d in %s", i, asked, waited, c.asked, c.waited)
			}
		}
	})
}

// At an edge without a cluster whoever asks is a session: by address, program and credentials.
func TestWhoAsksIsASessionWhereThereIsNone(t *testing.T) {
	of := func(address string, fields ...string) Session {
		h := http.Header{}
		for i := 0; i < len(fields); i += 2 {
			h.Set(fields[i], fields[i+1])
		}
		return Alone(address, h)
	}
	a := of("10.0.0.1:1000", "User-Agent", "x")
	for i, other := range []Session{of("10.0.0.2:1000", "User-Agent", "x"), of("10.0.0.1:1000", "User-Agent", "y"), of("10.0.0.1:1000", "User-Agent", "x", "Cookie", "a"), of("10.0.0.1:1000", "User-Agent", "x", "Authorization", "a")} {
		if other == a {
			t.Errorf("%d is the same one", i)
		}
	}
	if again := of("10.0.0.1:1001", "User-Agent", "x", "Accept", "y"); again != a || a.Slot < 0 {
		t.Errorf("%+v and %+v", a, again)
	}
}

// A viewer that has gone is waited for by nobody, and what is remembered is bounded.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	g := guard()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	newer, older := list(t, 10), list(t, 9)
	for i := range mostGiven + 10 {
		g.note(Session{1, i}, "/a.m3u8", newer)
	}
	if n := len(g.given); n > mostGiven {
		t.Errorf("%d are remembered", n)
	}
	g.Follow(gone, Session{1, mostGiven + 9}, false, "/a.m3u8", older, func() *media.Manifest {
		t.Error("the origin is asked for nobody")
		return nil
	})
}

// What was given at one member of a pair does not go back at the other, whichever address
// the origin has led there; sessions that were given something here go by that.
func TestThePartnerKnowsWhatWasGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, left := guard(), guard()
		asks := func(g *Guard, slot int, begun bool, key string, first int) (news string, asked int) {
			news = g.Follow(context.Background(), Session{1, slot}, begun, key, list(t, first), func() *media.Manifest {
				asked++
				return list(t, 11)
			})
			return news, asked
		}
		dead.Redirects.Note("/a.m3u8", "/b.m3u8?sig=1")
		news, _ := asks(dead, 0, false, "/b.m3u8?sig=1", 10)
		if again, _ := asks(dead, 5, false, "/b.m3u8?sig=1", 10); news == "" || again == "" {
			t.Fatalf("told %q, and then %q", news, again)
		}
		for i := range 2 {
			if news, _ := asks(dead, i, false, "/plain.m3u8", 10); (news != "") != (i == 0) {
				t.Errorf("told %q", news)
			}
		}
		if _, asked := asks(left, 7, true, "/b.m3u8?sig=7", 9); asked != 0 {
			t.Error("it knows what nobody has told")
		}
		left.Heard(news, 1)
		left.Heard(news[1:], wire.PairID(1)) // malformed
		left.Redirects.Note("/a.m3u8", "/b.m3u8?sig=2")
		for i, c := range []struct {
			slot, first, asked int
			key                string
		}{
			{0, 9, 1, "/b.m3u8?sig=2"}, // led there once more
			{1, 9, 1, "/b.m3u8?sig=1"}, // asked for again by where it was led to
			{1, 8, 1, "/b.m3u8?sig=2"},
			{2, 9, 0, "/c.m3u8"},
			{3, 9, 0, "/b.m3u8?sig=2"}, // one that began here
			{7, 9, 1, "/b.m3u8?sig=2"},
		} {
			if _, asked := asks(left, c.slot, c.slot != 3, c.key, c.first); asked != c.asked {
				t.Errorf("%d: asked %d times, want %d", i, asked, c.asked)
			}
		}
	})
}
