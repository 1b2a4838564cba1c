package origin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
)

const (
	// maxUploads bounds the objects that are taken in at once.
	maxUploads = 64
	// incoming holds uploads that have not ended. It is hidden, and lies in the
	// media directory because a rename must not leave the file system.
	incoming = ".incoming"
)

// Why nothing is taken in.
var (
	errPlace  = errors.New("nothing is taken in at this place")
	errTaken  = errors.New("a folder and an object can't have the same name")
	errBusy   = errors.New("too many uploads at once")
	errPart   = errors.New("a part of an object can't be taken in: send it whole")
	errBroken = errors.New("the body ended early")
)

// ingest takes objects in. An upload is written to a file of its own, which
// replaces the object when the body has ended: readers of the old version go on.
//
// Packagers send the next version of a playlist without waiting for the answer
// to the last one (ffmpeg does, on another connection), so two uploads of one
// object may overtake each other here: the one that began later wins.
type ingest struct {
	origin *Origin
	slots  chan struct{}

	mu    sync.Mutex        // held while an upload takes its place
	begun uint64            // guarded by mu; uploads so far
	under map[string]*queue // guarded by mu; by name, while there are uploads of it
}

// queue is the uploads of one object that have not ended.
type queue struct {
	waiting int
	shown   uint64 // number of the upload that took the place last
}

// begin gives an upload its number.
func (in *ingest) begin(name string) uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.under[name] == nil {
		in.under[name] = &queue{}
	}
	in.under[name].waiting++
	in.begun++
	return in.begun
}

func (in *ingest) end(name string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.under[name]
	if q.waiting--; q.waiting == 0 {
		delete(in.under, name)
	}
}

// clear removes what an earlier process left behind.
func (in *ingest) clear() error {
	root := in.origin.library.root
	if err := root.RemoveAll(incoming); err != nil {
		return fmt.Errorf("--media: %w; the directory must be writable for --ingest", err)
	}
	if err := root.Mkdir(incoming, 0o755); err != nil {
		return fmt.Errorf("--media: %w; the directory must be writable for --ingest", err)
	}
	return nil
}

// place is the name of an object that may be written to.
func (in *ingest) place(urlPath string) (string, error) {
	name, ok := strings.CutPrefix(urlPath, "/")
	if !ok || !shown(name) || !strings.Contains(name, "/") || strings.Count(name, "/") > 16 {
		return "", errPlace
	}
	switch head, _, _ := strings.Cut(name, "/"); head {
	case sampleName, "_tandem", "s":
		return "", errPlace
	}
	for _, c := range in.origin.channels {
		if strings.HasPrefix(urlPath, c.prefix) {
			return "", errPlace
		}
	}
	return name, nil
}

// take answers PUT and POST of one object.
func (in *ingest) take(w http.ResponseWriter, r *http.Request) {
	if !in.allowed(w) {
		return
	}
	created, err := in.store(w, r)
	if err != nil {
		in.fail(w, r, err)
		return
	}
	if created {
		in.origin.metrics.taken.WithLabelValues("created").Inc()
		w.WriteHeader(http.StatusCreated)
		return
	}
	in.origin.metrics.taken.WithLabelValues("replaced").Inc()
	w.WriteHeader(http.StatusNoContent)
}

func (in *ingest) store(w http.ResponseWriter, r *http.Request) (created bool, err error) {
	name, err := in.place(r.URL.Path)
	if err != nil {
		return false, err
	}
	if r.Header.Get("Content-Range") != "" {
		return false, errPart
	}
	limit := in.origin.config.IngestMaxBytes
	if r.ContentLength > limit {
		return false, &http.MaxBytesError{Limit: limit}
	}
	select {
	case in.slots <- struct{}{}:
		defer func() { <-in.slots }()
	default:
		return false, errBusy
	}
	number := in.begin(name)
	defer in.end(name)
	root := in.origin.library.root
	temporary := incoming + "/" + rand.Text()
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false, err
	}
	n, err := io.Copy(f, bodyReader{http.MaxBytesReader(w, r.Body, limit)})
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		in.origin.metrics.takenBytes.Add(float64(n))
		created, err = in.show(temporary, name, number)
	}
	if err != nil {
		_ = root.Remove(temporary) // clear removes it when this fails
	}
	return created, err
}

// show puts a finished upload in its place, unless a later one is there.
func (in *ingest) show(temporary, name string, number uint64) (created bool, err error) {
	root := in.origin.library.root
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.under[name]
	if q.shown > number {
		return false, root.Remove(temporary)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return false, collision(err)
	}
	_, err = root.Stat(name)
	created = errors.Is(err, fs.ErrNotExist)
	if err := root.Rename(temporary, name); err != nil {
		return false, collision(err)
	}
	q.shown = number
	return created, nil
}

// collision makes errTaken of what a folder with an object's name causes.
func collision(err error) error {
	if errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.ENOTEMPTY) {
		return errTaken
	}
	return err
}

// bodyReader tells a body that breaks off from a disk that fails.
type bodyReader struct{ io.Reader }

func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	var large *http.MaxBytesError
	if err != nil && err != io.EOF && !errors.As(err, &large) {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return n, err
}

// remove answers DELETE.
func (in *ingest) remove(w http.ResponseWriter, r *http.Request) {
	if !in.allowed(w) {
		return
	}
	name, err := in.place(r.URL.Path)
	if err == nil {
		var stat fs.FileInfo
		if stat, err = in.origin.library.root.Stat(name); err == nil && stat.IsDir() {
			err = errPlace
		}
		if err == nil {
			err = in.origin.library.root.Remove(name)
		}
		err = absentOr(err)
	}
	if err != nil {
		in.fail(w, r, err)
		return
	}
	in.origin.metrics.taken.WithLabelValues("deleted").Inc()
	w.WriteHeader(http.StatusNoContent)
}

func absentOr(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return errNotFound
	}
	return err
}

func (in *ingest) allowed(w http.ResponseWriter) bool {
	if in.origin.config.Ingest {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	http.Error(w, "this origin takes nothing in (--ingest)", http.StatusMethodNotAllowed)
	return false
}

func (in *ingest) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	result := "refused"
	if status >= 500 || errors.Is(err, errBroken) {
		result = "failed"
		in.origin.deps.Logger.Warn().Err(err).Str("path", r.URL.Path).Msg("object was not taken in")
	}
	in.origin.metrics.taken.WithLabelValues(result).Inc()
	text := err.Error()
	if status == http.StatusInternalServerError {
		text = "the object could not be stored"
	}
	http.Error(w, text, status)
}
