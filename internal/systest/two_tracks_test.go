package systest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/media"
	"tandem/internal/media/track"
)

// twoTracks are viewers of a programme whose picture and sound lie apart: each asks for a
// segment of both when the one before has been played. They hold no buffer, and try
// nothing twice.
type twoTracks struct {
	t   *testing.T
	got []atomic.Int64 // segments of both, by each viewer
}

// inTwoTracks lets so many in, over two seconds; they leave when the test ends.
func inTwoTracks(t *testing.T, entry string, count int) *twoTracks {
	t.Helper()
	c := &twoTracks{t: t, got: make([]atomic.Int64, count)}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); wg.Wait() })
	for i := range count {
		transport := &http.Transport{}
		v := &twoTrackViewer{client: &http.Client{Transport: transport}, entry: entry, got: &c.got[i], next: []int64{int64(i), int64(i)}}
		wg.Go(func() {
			defer transport.CloseIdleConnections()
			if err := v.play(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("viewer %d, segment %v: %v", i, v.next, err)
			}
		})
		time.Sleep(2 * time.Second / time.Duration(count))
	}
	return c
}

// further waits until each has got so many segments more of both tracks, and looks
// meanwhile.
func (c *twoTracks) further(segments int64, look func()) {
	c.t.Helper()
	want := make([]int64, len(c.got))
	for i := range c.got {
		want[i] = c.got[i].Load() + segments
	}
	for i, end := 0, time.Now().Add(20*time.Second); i < len(want); {
		if c.got[i].Load() >= want[i] {
			i++
			continue
		}
		if time.Now().After(end) {
			c.t.Fatalf("viewer %d has not got %d segments more", i, segments)
		}
		if look != nil {
			look()
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// twoTrackViewer is one of them. All is owned by play.
type twoTrackViewer struct {
	client *http.Client
	entry  string
	got    *atomic.Int64

	host      string         // of the balancer
	manifests []string       // one of each track, or one of both
	tracks    [2][]media.Seg // as they are listed: picture, sound
	next      []int64        // sequence of what comes next; of a live one known from its first manifest on
	live      bool
}

func (v *twoTrackViewer) get(ctx context.Context, url string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := read(resp)
	return resp, body, err
}

// manifest gets one and reads it.
func (v *twoTrackViewer) manifest(ctx context.Context, url string) (*media.Manifest, string, error) {
	resp, body, err := v.get(ctx, url)
	if err != nil {
		return nil, "", err
	}
	u := resp.Request.URL
	v.host = u.Scheme + "://" + u.Host
	m, err := media.Parse(body, media.Site{Origin: media.Unnamed(), Target: u.RequestURI()})
	return m, u.String(), err
}

// open finds the manifests of the two tracks.
func (v *twoTrackViewer) open(ctx context.Context) error {
	m, at, err := v.manifest(ctx, v.entry)
	if err != nil {
		return err
	}
	v.manifests = []string{at}
	if children := m.Children(); len(children) > 0 {
		v.manifests = []string{"", ""}
		for _, c := range children {
			switch {
			case c.Kind == track.Audio:
				v.manifests[1] = v.host + c.Target
			case v.manifests[0] == "":
				v.manifests[0] = v.host + c.Target
			}
		}
	}
	return nil
}

// look reads the manifests again.
func (v *twoTrackViewer) look(ctx context.Context) error {
	for i, at := range v.manifests {
		m, _, err := v.manifest(ctx, at)
		if err != nil {
			return err
		}
		list, err := m.Tracks(time.Now())
		if err != nil {
			return err
		}
		v.live = m.Live()
		if len(v.manifests) == len(v.tracks) {
			v.tracks[i] = list[0].Segments
			continue
		}
		for _, one := range slices.Backward(list) { // of each kind the first one
			kind := 0
			if strings.Contains(one.Format.ContentType+one.Format.MimeType, "audio") {
				kind = 1
			}
			v.tracks[kind] = one.Segments
		}
	}
	return nil
}

// play asks for one segment of both tracks after the other.
func (v *twoTrackViewer) play(ctx context.Context) error {
	if err := v.open(ctx); err != nil {
		return err
	}
	if err := v.look(ctx); err != nil {
		return err
	}
	for kind, list := range v.tracks {
		if v.live {
			v.next[kind] = list[max(0, len(list)-3)].Sequence
		} else {
			v.next[kind] += list[0].Sequence
		}
	}
	due := time.Now()
	for ctx.Err() == nil {
		var played time.Duration
		for kind := range v.tracks {
			d, err := v.segment(ctx, kind)
			if err != nil {
				return err
			}
			played = d
		}
		v.got.Add(1)
		due = due.Add(played)
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(due)):
		}
	}
	return nil
}

// segment gets the next one of a track, when it is listed.
func (v *twoTrackViewer) segment(ctx context.Context, kind int) (time.Duration, error) {
	for ctx.Err() == nil {
		for _, s := range v.tracks[kind] {
			if s.Sequence < v.next[kind] {
				continue
			}
			v.next[kind] = s.Sequence + 1
			_, _, err := v.get(ctx, v.host+s.URI)
			return s.Duration, err
		}
		if !v.live {
			return 0, fmt.Errorf("the film is over")
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
		if err := v.look(ctx); err != nil {
			return 0, err
		}
	}
	return 0, ctx.Err()
}
