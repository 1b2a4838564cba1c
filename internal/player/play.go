package player

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"tandem/internal/media"
	"tandem/internal/wire"
)

// Config is one viewer.
type Config struct {
	Entry      string        // URL of a playlist or MPD at a balancer
	Others     []string      // base URLs of balancers to turn to when a connection fails
	Digests    *Digests      // the origin's bytes; nil: not compared
	Buffer     time.Duration // media fetched ahead of the playhead; 10 s when 0
	Rate       int64         // bytes a second that the viewer can take; 0: all
	Retries    int           // further tries of a request that failed
	RetryAfter time.Duration // wait before one; 500 ms when 0
	For        time.Duration // real time to play; 0: a stored stream once, to its end
	Speed      float64       // of stored streams; 1 when 0; live ones play at 1
	Rendition  int           // which one, counted round; 0 the first
	Start      int           // segments skipped at the start of a stored stream, counted round
	Progress   func(Report)  // called after each segment, from Play's goroutine
}

// viewer is one Play. Everything is owned by its goroutine.
type viewer struct {
	cfg      Config
	client   *http.Client
	report   Report
	head     playhead
	base     string // of the balancer it has turned to; "" the entry's own
	turn     int
	admitted bool

	list  *url.URL // the media playlist or MPD, with its token
	last  *media.Manifest
	track media.Track
	live  bool
}

// Play watches until the stream or For is over, or ctx ends, and tells what it
// saw. That ctx ended is no error.
func Play(ctx context.Context, cfg Config) Report {
	if cfg.Buffer == 0 {
		cfg.Buffer = 10 * time.Second
	}
	if cfg.RetryAfter == 0 {
		cfg.RetryAfter = 500 * time.Millisecond
	}
	if cfg.Speed == 0 {
		cfg.Speed = 1
	}
	if cfg.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.For)
		defer cancel()
	}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 2, ResponseHeaderTimeout: requestLimit}
	defer transport.CloseIdleConnections()
	v := &viewer{cfg: cfg, client: &http.Client{Transport: transport}, report: Report{Viewers: 1}, head: playhead{speed: cfg.Speed}}
	if err := v.open(ctx); err != nil {
		v.closed(ctx, err)
		return v.report
	}
	if v.live {
		v.head.speed = 1
		v.playLive(ctx)
	} else {
		v.playStored(ctx)
	}
	return v.report
}

// closed enters why nothing was played.
func (v *viewer) closed(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errRefused):
		v.report.Refused++
		v.report.Reason = err.Error()
	default:
		v.report.GivenUp++
	}
}

// open fetches the entry and the playlist of the viewer's rendition.
func (v *viewer) open(ctx context.Context) error {
	a, err := v.get(ctx, v.cfg.Entry, true)
	if err != nil {
		return err
	}
	v.admitted = true
	v.report.Playlists++
	m, err := parse(a)
	if err != nil {
		v.failed(err)
		return err
	}
	v.list = a.url
	if further := m.Children(); len(further) > 0 {
		return v.reload(ctx, v.at(further[v.cfg.Rendition%len(further)].Target))
	}
	return v.take(a)
}

// at is the URL of a path at the balancer that the viewer uses now.
func (v *viewer) at(path string) string {
	if v.base != "" {
		return v.base + path
	}
	return v.list.Scheme + "://" + v.list.Host + path
}

// reload fetches the media playlist or MPD again.
func (v *viewer) reload(ctx context.Context, target string) error {
	a, err := v.get(ctx, target, true)
	if err != nil {
		return err
	}
	v.report.Playlists++
	return v.take(a)
}

// take reads what is there to be played.
func (v *viewer) take(a answer) error {
	var tracks []media.Track
	m, err := parse(a)
	if err == nil {
		tracks, err = m.Tracks(time.Now())
	}
	if err == nil && len(tracks) == 0 {
		err = fmt.Errorf("%s: nothing to play", a.url.Path)
	}
	if err != nil {
		v.failed(err)
		return err
	}
	v.list, v.track = a.url, tracks[v.cfg.Rendition%len(tracks)]
	if v.last != nil {
		if c := media.Compare(v.last, m); c == media.Back || c == media.Anew {
			v.report.StepsBack++
		}
	}
	v.last, v.live = m, m.Live()
	return nil
}

// parse reads a manifest that has no flaw.
func parse(a answer) (*media.Manifest, error) {
	m, err := media.Parse(a.body, media.Site{Origin: media.Unnamed(), Target: a.url.RequestURI()})
	if err == nil {
		err = m.Flaw()
	}
	return m, err
}

// playStored plays to the end, and from the start again while For is not over.
func (v *viewer) playStored(ctx context.Context) {
	segments := v.track.Segments
	v.initial(ctx, v.track.Init)
	for i := range len(segments) {
		v.segment(ctx, segments[(i+v.cfg.Start)%len(segments)])
	}
	for i := 0; v.cfg.For > 0 && ctx.Err() == nil && len(segments) > 0; i++ {
		v.segment(ctx, segments[(i+v.cfg.Start)%len(segments)])
	}
	// What is fetched is played to its end: the session lasts so long.
	pause(ctx, v.head.ahead(time.Now()))
}

// playLive starts three segments behind the newest, as players do, and reloads
// the playlist when it has fetched all it names.
func (v *viewer) playLive(ctx context.Context) {
	v.initial(ctx, v.track.Init)
	next := int64(-1)
	for ctx.Err() == nil {
		segments := v.track.Segments
		if next < 0 && len(segments) > 0 {
			next = segments[max(0, len(segments)-3)].Sequence
		}
		fetched := 0
		var last time.Duration
		for _, s := range segments {
			if s.Sequence >= next && ctx.Err() == nil {
				v.segment(ctx, s)
				next = s.Sequence + 1
				fetched++
			}
			last = s.Duration
		}
		wait := max(last/2, 200*time.Millisecond)
		if fetched > 0 {
			wait = min(wait, time.Second)
		}
		if !pause(ctx, wait) {
			return
		}
		_ = v.reload(ctx, v.at(v.list.RequestURI())) // an error is counted; the buffer plays on
	}
}

// initial fetches the initialisation segment.
func (v *viewer) initial(ctx context.Context, path string) {
	if path != "" {
		v.object(ctx, path)
	}
}

// segment waits for room in the buffer, fetches one segment and moves the
// playhead's end.
func (v *viewer) segment(ctx context.Context, s media.Seg) {
	if !pause(ctx, v.head.room(time.Now(), v.cfg.Buffer, s.Duration)) {
		return
	}
	if !v.object(ctx, s.URI) {
		if ctx.Err() == nil {
			v.report.GivenUp++
		}
		return
	}
	if stall := v.head.add(time.Now(), s.Duration); stall > 0 {
		v.report.Stalls++
		v.report.Stalled += stall
		v.report.LongestStall = max(v.report.LongestStall, stall)
	}
	v.report.Segments++
	v.report.Played += s.Duration
	v.report.Last = s.URI
	if v.cfg.Progress != nil {
		v.cfg.Progress(v.report)
	}
}

// object fetches one object and compares it with the origin's.
func (v *viewer) object(ctx context.Context, path string) bool {
	a, err := v.get(ctx, v.at(path), false)
	if err != nil {
		return false
	}
	v.report.Bytes += a.size
	if v.cfg.Digests == nil {
		return true
	}
	if _, rest, ok := wire.SplitPath(path); ok {
		path = rest
	}
	sum, err := v.cfg.Digests.Sum(ctx, path)
	if err != nil {
		if ctx.Err() == nil {
			v.failed(err)
		}
		return ctx.Err() == nil
	}
	if sum != a.sum {
		v.report.Wrong++
		if v.report.FirstError == "" {
			v.report.FirstError = fmt.Sprintf("%s: %d bytes, not those of the origin", path, a.size)
		}
	}
	return true
}
