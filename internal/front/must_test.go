package front

import (
	"io"
	"net"
	"net/http"
	"testing"

	"tandem/internal/h1/h1test"
)

// What RFC 9110 and RFC 9112 say in so many words, on loops and away.
func TestMustsOfHTTP(t *testing.T) {
	s := newStage(t, func(_ *stage, c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.Method {
			case http.MethodOptions:
				w.WriteHeader(http.StatusNoContent)
			case http.MethodDelete:
				w.Header().Set("Allow", "GET")
				w.WriteHeader(http.StatusMethodNotAllowed)
			default:
				_, _ = io.Copy(w, r.Body)
			}
		})
	})
	h1test.Target{Dial: func() (net.Conn, error) { return call(t, s.addr).over, nil }, Wait: short, Echo: true}.Try(t)
}
