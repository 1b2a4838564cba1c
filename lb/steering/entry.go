package steering

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// maxEntry is the largest manifest that is steered, in bytes.
const maxEntry = 4 << 20

// maxUndecided is how much of a body is kept that may yet turn out to be one, in bytes.
const maxUndecided = 64 << 10

// MayBeEntry tells whether a request may be for an entry, so that its answer is looked
// at: by the name of what it asks for, or because that says nothing.
func MayBeEntry(r *http.Request) bool {
	path := cachekey.Path(r.RequestURI)
	return media.IsEntry(path) || media.KindOf(path, "") == media.Other && r.Method == http.MethodGet && r.Header.Get("Range") == ""
}

// Entry answers a request for what may be an entry: serve gives the whole answer, and
// what is an entry gets the session's ways. All else goes out as it comes.
func (c *Config) Entry(w http.ResponseWriter, r *http.Request, s Session, serve func(http.ResponseWriter, *http.Request) (int, int64)) (status int, sent int64, steered bool) {
	o, _, _ := c.ways(s, r.RequestURI)
	if len(o.Edges) == 0 {
		status, sent = serve(w, r)
		return status, sent, false
	}
	k := &keeper{ResponseWriter: w, head: r.Method == http.MethodHead}
	status, sent = serve(k, whole(r))
	if !k.keeps {
		return status, sent, false
	}
	body, steered := media.Steer(k.body, &o)
	if !steered {
		body = k.body
	}
	status, sent = give(w, r, body, steered)
	return status, sent, steered
}

// whole is a request for all of an entry, as it is.
func whole(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.Method = http.MethodGet
	for _, name := range []string{"Range", "If-Range", "Accept-Encoding"} {
		r.Header.Del(name)
	}
	return r
}

// give answers with an entry that is steered, or with what turned out to be none.
func give(w http.ResponseWriter, r *http.Request, body []byte, steered bool) (int, int64) {
	h := w.Header()
	if steered {
		for _, name := range []string{"Last-Modified", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest"} {
			h.Del(name)
		}
		sum := sha256.Sum256(body)
		h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
		h.Set("Cache-Control", "private, no-cache")
		h.Del("Accept-Ranges")
	}
	if tag := h.Get("ETag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		h.Del("Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified, 0
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return http.StatusOK, 0
	}
	n, _ := w.Write(body) // who has gone needs it no longer
	return http.StatusOK, int64(n)
}

// keeper keeps a body of 200 whole, as long as it may be an entry; all else goes
// through.
type keeper struct {
	http.ResponseWriter
	head  bool // the viewer wants no body
	keeps bool
	sure  bool // it is a manifest
	body  []byte
}

// WriteHeader is an http.ResponseWriter's.
func (k *keeper) WriteHeader(status int) {
	h := k.Header()
	length, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if k.keeps = status == http.StatusOK && h.Get("Content-Encoding") == "" && (err != nil || length <= maxEntry); !k.keeps {
		k.ResponseWriter.WriteHeader(status)
	}
}

// Write is an http.ResponseWriter's.
func (k *keeper) Write(b []byte) (int, error) {
	if !k.keeps {
		return k.pass(b)
	}
	k.body = append(k.body, b...)
	k.sure = k.sure || media.Sniff(k.body) != media.Other
	if len(k.body) > maxEntry || !k.sure && (len(k.body) > maxUndecided || !media.Undecided(k.body)) {
		if err := k.letGo(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// FlushError is an http.ResponseController's: who gets a body as it comes sees it grow.
func (k *keeper) FlushError() error {
	if k.keeps {
		return nil
	}
	return http.NewResponseController(k.ResponseWriter).Flush()
}

func (k *keeper) pass(b []byte) (int, error) {
	if k.head {
		return len(b), nil
	}
	return k.ResponseWriter.Write(b)
}

// letGo sends what was kept, and everything from here on.
func (k *keeper) letGo() error {
	k.keeps = false
	k.ResponseWriter.WriteHeader(http.StatusOK)
	body := k.body
	k.body = nil
	_, err := k.pass(body)
	return err
}

// List answers a player that asks where to fetch from.
func (c *Config) List(w http.ResponseWriter, r *http.Request, s Session) (int, int64) {
	o, good, detour := c.ways(s, "/")
	body, err := json.Marshal(media.SteeringList(&o, good, detour, max(1, int(c.TTL/time.Second))))
	if err != nil {
		panic(err)
	}
	h := w.Header()
	call.CORS(h)
	h.Set("Content-Type", "application/vnd.apple.steering-list")
	if strings.Contains(r.URL.RawQuery, "_DASH_") {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return http.StatusOK, 0
	}
	n, _ := w.Write(body)
	return http.StatusOK, int64(n)
}

// TokenOf is the session whose list a target asks for: /s/<token>, and nothing behind
// it but the player's query.
func TokenOf(target string) (token string, ok bool) {
	text, ok := strings.CutPrefix(cachekey.Path(target), wire.SessionPrefix)
	if !ok {
		return "", false
	}
	_, ok = wire.PeekToken(text)
	return text, ok
}
