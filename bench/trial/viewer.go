package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

const (
	readRate  = 2 << 20 // bytes a second of one viewer
	readBlock = 32 << 10

	mostSilence = 10 * time.Second // before a player gives a request up: what hls.js does
)

// viewer plays the stream as a player with that buffer does, and notes what
// its user would see. It has a connection of its own, as a real one has.
type viewer struct {
	ID      int           `json:"id"`
	Buffer  time.Duration `json:"buffer"`
	Retries int           `json:"retries"`
	Pause   time.Duration `json:"pause"` // before a retry

	client  *http.Client
	ways    *ways
	digests map[string]string
	log     *journal

	started time.Time     // when the first segment was there
	loaded  time.Duration // media fetched so far
	stalled time.Duration // time in which nothing was left to play, so far
}

// journal is what one viewer saw, in the end written as one JSON line.
type journal struct {
	ID         int       `json:"id"`
	Short      bool      `json:"short"` // of buffer
	Retries    int       `json:"retries"`
	Segments   int       `json:"segments"`
	Wrong      int       `json:"wrong"`     // bodies with the right length and wrong bytes
	Truncated  int       `json:"truncated"` // bodies that ended or hung before their length
	Failed     int       `json:"failed"`    // no usable answer
	Dead       bool      `json:"dead"`      // a viewer without retries that met a failure
	Stalls     int       `json:"stalls"`
	StallMS    int64     `json:"stall_ms"`
	Transfers  []transit `json:"transfers"`
	FirstError string    `json:"first_error,omitempty"`
}

// transit is one response body: from when to when, from which cache, and the
// moments of its longest silence. Times are unix milliseconds.
type transit struct {
	Cache  string `json:"cache"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	GapAt  int64  `json:"gap_at"`
	GapMS  int64  `json:"gap_ms"`
	Intact bool   `json:"intact"`
}

// run plays until every segment was shown, the viewer died, or ctx ended.
func (v *viewer) run(ctx context.Context, entry string) {
	if err := v.open(ctx, entry); err != nil {
		v.fail(err, &v.log.Failed)
		v.log.Dead = true
		return
	}
	// Viewers are at different places of the title, as the viewers of one are;
	// in step they would all be at the same segment, and so at the same cache.
	for i := range segmentCount {
		v.waitForRoom(ctx)
		if !v.segment(ctx, (i+v.ID*5)%segmentCount) {
			if ctx.Err() == nil && v.Retries == 0 {
				v.log.Dead = true
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
		v.loaded += segmentSeconds * time.Second
		v.log.Segments++
		if v.started.IsZero() {
			v.started = time.Now()
		}
	}
}

// segment fetches one segment, as often as the viewer may. A steered one goes on at the
// next of its ways at once: that is no retry.
func (v *viewer) segment(ctx context.Context, number int) bool {
	for try := 0; ; {
		w := v.ways.best()
		err := v.by(ctx, w, number)
		if err == nil {
			v.settle()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if v.ways.leave(w) {
			continue
		}
		if try == v.Retries {
			return false
		}
		try++
		select {
		case <-ctx.Done():
			return false
		case <-time.After(v.Pause):
		}
	}
}

// by fetches one segment by a way, and the way's playlist before where that is not known.
func (v *viewer) by(ctx context.Context, w *way, number int) error {
	if w.segments == nil {
		lines, base, err := v.playlist(ctx, w.list)
		if err != nil {
			v.fail(err, &v.log.Failed)
			return err
		}
		for _, line := range lines {
			if target, err := base.Parse(line); err == nil && !strings.HasPrefix(line, "#") {
				w.segments = append(w.segments, target.String())
			}
		}
		if len(w.segments) != segmentCount {
			return fmt.Errorf("%s: %d segments", w.list, len(w.segments))
		}
	}
	return v.fetch(ctx, w.segments[number])
}

// playlist gives the lines of a playlist, and where it came from.
func (v *viewer) playlist(ctx context.Context, from string) ([]string, *url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, mostSilence)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, nil, err
	}
	res, err := v.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("playlist: %s", res.Status)
	}
	text, err := io.ReadAll(res.Body)
	return strings.Fields(string(text)), res.Request.URL, err
}

// fetch reads one body at the viewer's rate and checks it.
func (v *viewer) fetch(ctx context.Context, target string) error {
	request, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(request, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	limit := time.AfterFunc(time.Hour, cancel)
	defer limit.Stop()
	if v.ways.server != "" {
		limit.Reset(mostSilence)
	}
	t := transit{Start: time.Now().UnixMilli()}
	res, err := v.client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			v.fail(err, &v.log.Failed)
		}
		return err
	}
	defer res.Body.Close()
	t.Cache = servedBy(res.Header)
	if res.StatusCode != http.StatusOK {
		err := fmt.Errorf("segment: %s", res.Status)
		v.fail(err, &v.log.Failed)
		return err
	}
	sum := sha256.New()
	var body io.Reader = res.Body
	if v.ways.server != "" {
		body = silent{res.Body, limit}
	}
	n, err := paced(sum, body, &t)
	t.End = time.Now().UnixMilli()
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // the run is over: not a fault of the server
	case err != nil || n != segmentBytes:
		if err == nil {
			err = fmt.Errorf("segment: %d bytes instead of %d", n, segmentBytes)
		}
		v.fail(err, &v.log.Truncated)
	case hex.EncodeToString(sum.Sum(nil)) != v.digests[path.Base(req.URL.Path)]:
		err = errors.New("segment: wrong bytes")
		v.fail(err, &v.log.Wrong)
	default:
		t.Intact = true
	}
	v.log.Transfers = append(v.log.Transfers, t)
	return err
}

// paced reads at the viewer's rate and notes the longest silence: the time a
// Read had to wait, the pauses of the viewer's own not counted.
func paced(to io.Writer, from io.Reader, t *transit) (int64, error) {
	var total int64
	block := make([]byte, readBlock)
	begin := time.Now()
	for {
		asked := time.Now()
		n, err := io.ReadAtLeast(from, block, 1)
		now := time.Now()
		if gap := now.Sub(asked).Milliseconds(); gap > t.GapMS {
			t.GapMS, t.GapAt = gap, asked.UnixMilli()
		}
		total += int64(n)
		_, _ = to.Write(block[:n])
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		due := begin.Add(time.Duration(float64(total) / readRate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		} else if wait < -200*time.Millisecond {
			begin = begin.Add(-wait) // after a silence go on at the rate, do not catch up
		}
	}
}

// waitForRoom waits until less than the buffer's goal is left to play.
func (v *viewer) waitForRoom(ctx context.Context) {
	if v.started.IsZero() {
		return
	}
	if wait := v.loaded - v.played() - v.Buffer; wait > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (v *viewer) played() time.Duration { return time.Since(v.started) - v.stalled }

// settle is called when a segment has arrived: if everything before it was
// played out already, the user has been looking at a frozen picture.
func (v *viewer) settle() {
	if v.started.IsZero() {
		return
	}
	if dry := v.played() - v.loaded; dry > 50*time.Millisecond {
		v.stalled += dry
		v.log.Stalls++
		v.log.StallMS += dry.Milliseconds()
	}
}

func (v *viewer) fail(err error, count *int) {
	*count++
	if v.log.FirstError == "" {
		v.log.FirstError = err.Error()
	}
}

// servedBy names the cache that an answer came from.
func servedBy(h http.Header) string {
	if name := h.Get("X-Cache-Node"); name != "" {
		return name
	}
	first, _, _ := strings.Cut(h.Get("Cache-Status"), ";")
	return strings.TrimSpace(first)
}
