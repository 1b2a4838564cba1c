package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// contentPolicy forbids the page everything that is not of its own listener, but for
// what its player plays: streams are at the viewers' listeners, which may have any
// address.
const contentPolicy = "default-src 'self'; connect-src 'self' http: https:; media-src 'self' blob: http: https:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// unbuilt is shown when the binary was built without Node.
const unbuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>tandem</title>
<h1>tandem</h1>
<p>This binary was built without the dashboard. To get it, install Node 20 or later, run <code>make web</code> and build again.</p>
<p>All that it would show is here as well:</p>
<ul>
<li><a href="api/v1/status">api/v1/status</a>: the cluster now</li>
<li><a href="api/v1/receipts">api/v1/receipts</a>: what each death of an edge cost</li>
<li><a href="api/v1/history">api/v1/history</a>: what happened</li>
<li><a href="metrics">metrics</a>: of this balancer</li>
</ul>
</html>
`

// file is one file of the page, ready to be sent.
type file struct {
	body   []byte
	kind   string // Content-Type
	etag   string
	forget bool // to be asked for anew each time
}

// pages answers GET and HEAD with files by their path.
type pages map[string]file

// Handler serves the dashboard. "/" is the page; unknown paths are 404.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // only a wrong constant
	}
	return load(built)
}

// load reads all files: there are few, and they are small.
func load(built fs.FS) pages {
	all := pages{}
	_ = fs.WalkDir(built, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return nil
		}
		body, err := fs.ReadFile(built, name)
		if err != nil {
			return nil
		}
		all["/"+name] = newFile(name, body)
		return nil
	})
	index, ok := all["/index.html"]
	if !ok {
		index = newFile("index.html", []byte(unbuilt))
		all["/index.html"] = index
	}
	all["/"] = index
	return all
}

func newFile(name string, body []byte) file {
	sum := sha256.Sum256(body)
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // as on every machine, whatever its mime.types says
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".html":
		kind = "text/html; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	}
	return file{
		body: body, kind: kind, etag: `"` + hex.EncodeToString(sum[:16]) + `"`,
		forget: !strings.HasPrefix(name, "assets/"),
	}
}

// ServeHTTP implements http.Handler.
func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "GET or HEAD only", http.StatusMethodNotAllowed)
		return
	}
	f, ok := p[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if f.forget {
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("ETag", f.etag)
	if strings.Contains(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.kind)
	if r.Method == http.MethodGet {
		_, _ = w.Write(f.body) // the browser has gone: nobody is left to tell
	}
}

var _ http.Handler = pages(nil)
