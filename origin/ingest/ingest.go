package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/filewatch"
	"tandem/internal/media"
)

const (
	// incoming holds pushes that have not ended. It is hidden, and lies in the
	// media directory because a rename must not leave the file system.
	incoming = ".incoming"
	// refusedFor is how long the body of a push that was refused is read, so that
	// its sender sees the answer.
	refusedFor = time.Second
)

// Why nothing is taken in.
var (
	errAbsent = errors.New("not found")
	errPlace  = errors.New("nothing is taken in at this place")
	errTaken  = errors.New("a folder and an object can't have the same name")
	errBusy   = errors.New("as many pushes as are allowed at once are running")
	errPart   = errors.New("a part of an object can't be taken in: send it whole")
	errCoded  = errors.New("a body with Content-Encoding is not taken in: send it as it is")
	errBroken = errors.New("the body ended early")
	errIdle   = errors.New("the body stood still for longer than --ingest-idle")
	errNobody = errors.New("this publishing point wants its credential (Basic or Bearer)")
	errPage   = errors.New("another site's page pushes nothing")
	errKind   = errors.New("anybody pushes media here, by their names (.m3u8, .mpd, .m4s, .ts, .mp4 and the like): for anything else give this publishing point a credential")
	errQuota  = errors.New("the quota of this publishing point is used up: delete what is old")
	errNoRoom = errors.New("there is no room left on the disk of --media")
)

// Config is what pushes are taken in by.
type Config struct {
	Root      *os.Root // of the media directory
	Points    string   // file of publishing points, "": the whole of the directory is one
	Closed    bool     // then: nobody may push, else anybody
	MaxObject int64    // bytes
	MaxPushes int      // at once
	Idle      time.Duration

	Reserved func(urlPath string) bool                      // places that are the origin's own
	Known    func(urlPath string, digest [sha256.Size]byte) // an object took its place
	Counts   Counts
	Logger   zerolog.Logger
}

// Counts is where is counted what becomes of pushes.
type Counts struct {
	Taken   func(result string) // created, replaced, deleted, refused, failed
	Bytes   func(n int64)
	Running func(more int)
}

// Ingest takes objects in. A push is written to a file of its own, which replaces
// the object when the body has ended: readers of the old version go on.
//
// Packagers send the next version of a playlist without waiting for the answer
// to the last one (ffmpeg does, on another connection), so two pushes of one
// object may overtake each other here: the one that began later wins.
type Ingest struct {
	config Config
	points atomic.Pointer[points]

	mu      sync.Mutex        // held while a push takes its place
	begun   uint64            // guarded by mu; pushes so far
	running int               // guarded by mu
	under   map[string]*queue // guarded by mu; by name, while there are pushes of it
}

// queue is the pushes of one object that have not ended, in the order in which
// they began.
type queue struct {
	pushes []*Push
	shown  uint64 // number of the push that took the place last
}

// New makes the place of what comes, and reads the publishing points.
func New(c Config) (*Ingest, error) {
	in := &Ingest{config: c, under: map[string]*queue{}}
	in.points.Store(&points{})
	if err := in.clear(); err != nil {
		return nil, err
	}
	return in, in.load()
}

// clear removes what an earlier process left behind.
func (in *Ingest) clear() error {
	root := in.config.Root
	if err := root.RemoveAll(incoming); err != nil {
		return fmt.Errorf("--media: %w; the directory must be writable for --ingest", err)
	}
	if err := root.Mkdir(incoming, 0o755); err != nil {
		return fmt.Errorf("--media: %w; the directory must be writable for --ingest", err)
	}
	return nil
}

// load reads the publishing points. What is used of one that stays goes on.
func (in *Ingest) load() error {
	all, err := loadPoints(&in.config)
	if err != nil {
		return err
	}
	old := *in.points.Load()
	for _, p := range all {
		if i := slices.IndexFunc(old, func(q *point) bool { return q.path == p.path }); i >= 0 {
			p.used = old[i].used
		}
	}
	if err := all.measure(in.config.Root.FS()); err != nil {
		return fmt.Errorf("--media: what is stored below a publishing point with a quota can't be counted: %w", err)
	}
	in.points.Store(&all)
	return nil
}

// Run reads the publishing points anew when their file has changed, until ctx
// ends. A file that can't be read changes nothing.
func (in *Ingest) Run(ctx context.Context) error {
	seen := filewatch.Of(in.config.Points)
	return filewatch.Run(ctx, func() { seen = in.follow(seen) })
}

func (in *Ingest) follow(seen filewatch.Stamps) filewatch.Stamps {
	file := in.config.Points
	now := filewatch.Of(file)
	if now[0] == nil || now.Same(seen) {
		return seen
	}
	if err := in.load(); err != nil {
		in.config.Logger.Error().Err(err).Msg("publishing points can't be read; the old ones stay")
		return now
	}
	in.config.Logger.Info().Str("file", file).Int("points", len(*in.points.Load())).Msg("publishing points were read anew")
	return now
}

// place is the name of an object that may be written to.
func (in *Ingest) place(urlPath string) (string, error) {
	name, ok := strings.CutPrefix(urlPath, "/")
	if !ok || !Shown(name) || !strings.Contains(name, "/") || strings.Count(name, "/") > 16 {
		return "", errPlace
	}
	if in.config.Reserved(urlPath) {
		return "", errPlace
	}
	return name, nil
}

// Caching is the Cache-Control of an object that was pushed, "" for one that was
// not. What is pushed over a name is new for everybody: caches may keep it for a
// second, and ask by its validator then. Only a point that never uses a name again
// says so.
func (in *Ingest) Caching(urlPath string) string {
	p := in.points.Load().of(urlPath)
	_, err := in.place(urlPath)
	switch kind := media.KindOf(urlPath, ""); {
	case p == nil, err != nil:
		return ""
	case p.unique && (kind == media.Segment || kind == media.Init):
		return "public, max-age=31536000, immutable" // RFC 8246
	}
	return "public, max-age=1"
}

// Growing is the newest push of an object that can be read already, held; nil:
// none. A playlist is read whole or not at all.
func (in *Ingest) Growing(urlPath string) *Push {
	if media.IsPlaylist(media.KindOf(urlPath, "")) {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.under[strings.TrimPrefix(urlPath, "/")]
	if q == nil {
		return nil
	}
	for _, p := range slices.Backward(q.pushes) {
		if p.number > q.shown && p.hold() {
			return p
		}
	}
	return nil
}

// Put answers PUT and POST of one object.
func (in *Ingest) Put(w http.ResponseWriter, r *http.Request) {
	at, ok := in.allowed(w, r)
	if !ok {
		return
	}
	if r.ContentLength == 0 && r.URL.Path == at.path {
		w.WriteHeader(http.StatusOK) // a packager looks whether it may (DASH-IF ingest)
		return
	}
	created, err := in.store(w, r, at)
	if err != nil {
		in.fail(w, r, err)
		return
	}
	if created {
		in.config.Counts.Taken("created")
		w.WriteHeader(http.StatusCreated)
		return
	}
	in.config.Counts.Taken("replaced")
	w.WriteHeader(http.StatusNoContent)
}

// Delete answers DELETE.
func (in *Ingest) Delete(w http.ResponseWriter, r *http.Request) {
	at, ok := in.allowed(w, r)
	if !ok {
		return
	}
	name, err := in.place(r.URL.Path)
	if err == nil {
		err = in.unlink(name, at)
	}
	if err != nil {
		in.fail(w, r, err)
		return
	}
	in.config.Counts.Taken("deleted")
	w.WriteHeader(http.StatusNoContent)
}

func (in *Ingest) unlink(name string, at *point) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	root := in.config.Root
	stat, err := root.Stat(name)
	if err == nil && stat.IsDir() {
		return errPlace
	}
	if err == nil {
		err = root.Remove(name)
	}
	if err == nil {
		at.settles(0, -stat.Size())
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return errAbsent
	}
	return err
}

// allowed finds the publishing point that a request is for, and whether it may be
// written to by this request. False: it was refused, before its body was read.
func (in *Ingest) allowed(w http.ResponseWriter, r *http.Request) (*point, bool) {
	p := in.points.Load().of(r.URL.Path)
	switch {
	case p == nil:
		in.fail(w, r, errPlace)
	case !p.admits(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="tandem ingest", charset="UTF-8"`)
		in.fail(w, r, errNobody)
	case p.open && new(http.CrossOriginProtection).Check(r) != nil: // anybody is no page in somebody's browser
		in.fail(w, r, errPage)
	case p.open && r.URL.Path != p.path && !packaged(r.URL.Path):
		in.fail(w, r, errKind)
	default:
		return p, true
	}
	return nil, false
}

// fail answers a push that was not taken in. The sender is not listened to for
// long: one that drips must not hold a place.
func (in *Ingest) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, result := statusOf(err), "refused"
	if status >= 500 || errors.Is(err, errBroken) || errors.Is(err, errIdle) {
		result = "failed"
		in.config.Logger.Warn().Err(err).Str("path", r.URL.Path).Msg("object was not taken in")
	}
	in.config.Counts.Taken(result)
	text := err.Error()
	switch status {
	case http.StatusInternalServerError:
		text = "the object could not be stored"
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusedFor)) // else it is read until the client ends
	}
	http.Error(w, text, status)
}

// statusOf is the one place where an error becomes a status.
func statusOf(err error) int {
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errAbsent):
		return http.StatusNotFound
	case errors.Is(err, errNobody):
		return http.StatusUnauthorized
	case errors.Is(err, errPlace), errors.Is(err, errPage), errors.Is(err, errKind):
		return http.StatusForbidden
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errTaken):
		return http.StatusConflict
	case errors.Is(err, errCoded):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, errIdle):
		return http.StatusRequestTimeout
	case errors.Is(err, errPart), errors.Is(err, errBroken):
		return http.StatusBadRequest
	case errors.Is(err, errBusy):
		return http.StatusServiceUnavailable
	case errors.Is(err, errQuota), errors.Is(err, errNoRoom):
		return http.StatusInsufficientStorage
	default:
		return http.StatusInternalServerError
	}
}

// packaged tells whether a name is one of what packagers make: manifests, segments, keys,
// pictures. An open point is no place where anybody keeps programs or pages.
func packaged(name string) bool {
	name = strings.TrimRight(name, ")") // /Streams(video.cmfv), DASH-IF ingest's older form
	return media.KindOf(name, "") != media.Other || strings.HasPrefix(media.ContentType(name), "image/") || strings.HasSuffix(name, ".key")
}

// longestPart is how long a file's or a folder's name may be, in bytes: NAME_MAX.
const longestPart = 255

// Shown tells whether a name is one that the origin shows: a clean relative path
// without hidden parts and control characters.
func Shown(name string) bool {
	if !fs.ValidPath(name) || name == "." || len(name) > 1024 || strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || r < ' ' || r == 0x7f }) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part[0] == '.' || len(part) > longestPart {
			return false
		}
	}
	return true
}

// bodyReader tells a body that breaks off, or stands still, from a disk that
// fails.
type bodyReader struct {
	io.Reader
	control *http.ResponseController
	idle    time.Duration
}

func (b *bodyReader) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.idle)) // what can't have one is no connection
	n, err := b.Reader.Read(p)
	var large *http.MaxBytesError
	switch {
	case err == nil || err == io.EOF || errors.As(err, &large):
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errIdle
	default:
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return n, err
}
