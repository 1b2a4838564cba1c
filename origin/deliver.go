package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/run"
	"tandem/internal/wire"
)

const (
	deliveryWorkers = 8
	deliveryQueue   = 256
	deliveryLimit   = 30 * time.Second // for one object
)

// delivery sends objects to whom the asking edge names: to its partner, besides
// the answer that the edge itself gets (claim 7), or to a group (claim 6).
type delivery struct {
	origin *Origin
	jobs   chan job
	client *http.Client
	groups *multicast
}

// job is one object for one destination.
type job struct {
	path   string // of the object
	target string // as the edge asked for it
	to     *url.URL
	pair   string // wire.HeaderPair of the request
}

func newDelivery(o *Origin, groups *multicast) *delivery {
	own := &http.Transport{MaxIdleConnsPerHost: deliveryWorkers, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: deliveryLimit}
	var transport http.RoundTripper = own
	if o.member != nil {
		transport = o.member.toEdges(own)
	}
	return &delivery{
		origin: o, groups: groups, jobs: make(chan job, deliveryQueue),
		client: &http.Client{
			Timeout: deliveryLimit, Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// run works until ctx ends; what waits then is dropped.
func (d *delivery) run(ctx context.Context) error {
	parts := []run.Part{{Name: "multicast", Run: d.groups.run}}
	for range deliveryWorkers {
		parts = append(parts, run.Part{Name: "delivery", Run: d.work})
	}
	err := run.Group(ctx, parts...)
	d.client.CloseIdleConnections()
	return err
}

func (d *delivery) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-d.jobs:
			result := "done"
			if err := d.send(ctx, j); err != nil {
				result = "failed"
				d.origin.deps.Logger.Warn().Err(err).Str("path", j.path).Str("to", j.to.Host).Msg("object was not delivered")
			}
			d.origin.metrics.deliveries.WithLabelValues(result).Inc()
		}
	}
}

// ask queues a delivery when the request names a destination and comes from the
// cluster. It never waits. What it takes on it says in the head, so that the edge
// need not see to the second copy by itself. True: the object goes to a group,
// found is not the caller's any more, and the answer is 202 without a body.
func (d *delivery) ask(w http.ResponseWriter, r *http.Request, found *object) bool {
	text := r.Header.Get(wire.HeaderDest)
	if text == "" {
		return false
	}
	to, err := url.Parse(text)
	if err != nil || !d.origin.ofNode(r) || !destination(to) {
		d.origin.metrics.deliveries.WithLabelValues("refused").Inc()
		return false
	}
	if media.IsPlaylist(found.kind) {
		return false // small, and it changes: the edges see to it
	}
	if to.Scheme == "udp" {
		addr, _ := group(to)
		return d.groups.take(w, r, addr, found)
	}
	select {
	case d.jobs <- job{r.URL.Path, h1.Target(r), to, r.Header.Get(wire.HeaderPair)}:
		w.Header().Set(wire.HeaderDest, text)
	default:
		d.origin.metrics.deliveries.WithLabelValues("dropped").Inc()
	}
	return false
}

// destination tells whether the origin sends to such a URL.
func destination(to *url.URL) bool {
	if to.Host == "" || to.User != nil || to.RawQuery != "" || to.Path != "" && to.Path != "/" {
		return false
	}
	if to.Scheme == "udp" {
		_, ok := group(to)
		return ok
	}
	return to.Scheme == "http" || to.Scheme == "https"
}

// send delivers one object, with a second attempt.
func (d *delivery) send(ctx context.Context, j job) error {
	err := d.put(ctx, j)
	if err == nil || errors.Is(err, errRefused) || ctx.Err() != nil {
		return err
	}
	return d.put(ctx, j)
}

// errRefused: the destination does not want it, and will not want it again.
var errRefused = errors.New("the destination refused the object")

// bearer is what shows an edge that an origin of its cluster sends; "" where it is the
// connection that does.
func (o *Origin) bearer() string {
	if o.member != nil {
		return ""
	}
	return o.deps.Secret.Bearer()
}

func (d *delivery) put(ctx context.Context, j job) error {
	found, err := d.origin.find(j.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	defer found.Close()
	size, err := found.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := found.Seek(0, io.SeekStart); err != nil {
		return err
	}
	// NopCloser: the transport must not close what is closed here.
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, j.to.String(), io.NopCloser(found.ReadSeeker))
	if err != nil {
		return err
	}
	req.URL = h1.URL(j.to.Scheme, j.to.Host, wire.PathObject+j.target)
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	for name, text := range map[string]string{
		wire.HeaderAuth: d.origin.bearer(), wire.HeaderFrom: d.origin.config.Name, wire.HeaderPair: j.pair, wire.HeaderDigest: found.digest,
		"Content-Type": media.ContentType(j.path), "ETag": found.etag, "Cache-Control": found.cache,
	} {
		if text != "" {
			req.Header.Set(name, text)
		}
	}
	if !found.at.IsZero() {
		req.Header.Set("Last-Modified", found.at.UTC().Format(http.TimeFormat))
	}
	answer, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4096) // so that the connection is used again
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode < 500:
		return fmt.Errorf("%w: %s", errRefused, answer.Status)
	default:
		return fmt.Errorf("the destination answered %s", answer.Status)
	}
}
