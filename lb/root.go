package lb

import (
	"fmt"
	"html"
	"net/http"

	"tandem/internal/call"
	"tandem/lb/control"
)

// rootPage is what people see who open the viewers' address in a browser, where the
// origin has nothing there itself.
const rootPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>tandem</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:12vh auto;padding:0 1em}code{overflow-wrap:anywhere}</style>
<h1>This address is for players</h1>
<p>Give an HLS or DASH player the address of a playlist or an MPD here, such as
<code>http://%s/sample/master.m3u8</code>. What there is depends on the origin behind it: the paths are the same.</p>
<p>%s</p>
</html>
`

// root answers "/" with the origin's page, or with one that says what this address
// is where the origin has none.
func root(serve func(http.ResponseWriter, *http.Request) (int, int64), dashboard string) func(http.ResponseWriter, *http.Request) (int, int64) {
	return func(w http.ResponseWriter, r *http.Request) (int, int64) {
		status, sent := serve(&rootWriter{ResponseWriter: w, host: r.Host, dashboard: dashboard, head: r.Method == http.MethodHead}, r)
		if status == http.StatusNotFound {
			status = http.StatusOK
		}
		return status, sent
	}
}

// rootWriter puts the page in place of a 404.
type rootWriter struct {
	http.ResponseWriter
	host, dashboard string
	head            bool
	replaced        bool
}

// WriteHeader is an http.ResponseWriter's.
func (w *rootWriter) WriteHeader(status int) {
	if status != http.StatusNotFound {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.replaced = true
	where := "Operators: the dashboard is on the admin listeners of the balancers."
	if w.dashboard != "" {
		where = fmt.Sprintf(`The dashboard, with a player in the page, is at <a href="%s">%s</a>.`, html.EscapeString(w.dashboard), html.EscapeString(w.dashboard))
	}
	page := fmt.Sprintf(rootPage, html.EscapeString(w.host), where)
	h := w.Header()
	for name := range h {
		if name != "Via" && name != "Server-Timing" {
			h.Del(name)
		}
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", fmt.Sprint(len(page)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.ResponseWriter.WriteHeader(http.StatusOK)
	if !w.head {
		_, _ = w.ResponseWriter.Write([]byte(page))
	}
}

// Write drops the body that belongs to the 404.
func (w *rootWriter) Write(b []byte) (int, error) {
	if w.replaced {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// health tells on the viewers' own port whether this balancer should get viewers:
// for those that can ask no other one, like keepalived and bird.
func health(c *control.Control, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		call.RefuseNode(w, http.StatusMethodNotAllowed, call.ReasonMethod, "GET or HEAD")
		return
	}
	if err := c.Ready(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n")) // who has gone asks again
}
