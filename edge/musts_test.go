package edge

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/h1/h1test"
)

// What RFC 9110 and RFC 9112 demand of whoever reads a request; what has a body is the
// origin's to answer, and it says what it got.
func TestMustsOfHTTPAtAnEdge(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Cache-Control", "max-age=3600")
		switch r.Method {
		case http.MethodPost:
			_, _ = io.Copy(w, r.Body)
		case http.MethodDelete:
			w.Header().Set("Allow", "GET, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			return false
		}
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	dial := func() (net.Conn, error) { return net.Dial("tcp", strings.TrimPrefix(e.url, "http://")) }
	h1test.Target{Dial: dial, Path: "/a/1.m4s", Wait: 100 * time.Millisecond, Echo: true}.Try(t)
}
