package origin

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"

	"tandem/internal/media"
	"tandem/origin/ingest"
)

// ownFolders are first folders whose names are the origin's own.
var ownFolders = []string{sampleName, "_tandem", "s"}

// reserved tells whether a path is the origin's own: nothing is pushed there.
func (o *Origin) reserved(urlPath string) bool {
	head, _, _ := strings.Cut(strings.TrimPrefix(urlPath, "/"), "/")
	return slices.Contains(ownFolders, head) || slices.ContainsFunc(o.channels, func(c *channel) bool { return strings.HasPrefix(urlPath, c.prefix) })
}

// ingestConfig: in a cluster, where strangers are told from nodes, nobody
// pushes but whom a publishing point lets in.
func (o *Origin) ingestConfig() ingest.Config {
	c := o.config
	return ingest.Config{
		Root: o.library.root, Points: c.PublishingPoints, Closed: o.clustered(), MaxObject: c.IngestMaxBytes, MaxPushes: c.IngestMaxPushes,
		Idle: c.IngestIdle, Reserved: o.reserved, Known: o.pushed, Logger: o.deps.Logger,
		Counts: ingest.Counts{
			Taken:   func(result string) { o.metrics.taken.WithLabelValues(result).Inc() },
			Bytes:   func(n int64) { o.metrics.takenBytes.Add(float64(n)) },
			Running: func(more int) { o.metrics.pushes.Add(float64(more)) },
		},
	}
}

// pushed keeps what the bytes of an object say that was taken in, so that nobody
// has to read them again. What a playlist says is found out by the one who asks.
func (o *Origin) pushed(urlPath string, digest [sha256.Size]byte) {
	kind := media.KindOf(urlPath, "")
	if media.IsPlaylist(kind) {
		return
	}
	s, err := o.library.open(urlPath)
	if err != nil {
		return // it is found out when somebody asks
	}
	s.Close()
	f := &fact{kind: kind}
	f.seal(digest)
	o.facts.keep(s.key, f)
}

// caching is the Cache-Control of a stored object: what may be pushed over lasts as
// long as ingest says.
func (o *Origin) caching(urlPath string, f *fact) string {
	if o.ingest != nil {
		if text := o.ingest.Caching(urlPath); text != "" {
			return text
		}
	}
	return f.cacheControl()
}

// takes answers methods that write.
func (o *Origin) takes(by func(*ingest.Ingest, http.ResponseWriter, *http.Request)) http.Handler {
	if o.member != nil && o.member.teller != nil {
		by = o.member.teller.tells(by)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.ingest == nil {
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			http.Error(w, "this origin takes nothing in (--ingest)", http.StatusMethodNotAllowed)
			return
		}
		by(o.ingest, w, r)
	})
}
