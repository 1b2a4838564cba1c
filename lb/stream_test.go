package lb

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What a client asks for at once over HTTP/2 counts as its connections do: the first
// request of a connection is the connection's, each other one is one more.
func TestStreamsCountAsConnections(t *testing.T) {
	g := newConnLimiter(100, 3, 0, func(address string) string { return address }, nil)
	c, _ := g.admit("a")
	begun, end := make(chan struct{}, 5), make(chan struct{})
	h := g.counted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-end }))
	answers := make(chan *httptest.ResponseRecorder, 5)
	ask := func(c *client) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(withClient(t.Context(), c)))
		answers <- w
	}
	under := func(c *client) {
		go ask(c)
		<-begun
	}
	for range 3 {
		under(c)
	}
	go ask(c)
	select {
	case <-begun:
		t.Error("a fourth is let in")
	case w := <-answers:
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || g.Open() != 3 || g.Beyond() != 1 {
			t.Errorf("a fourth: %d, %v; %d are open, %d were refused", w.Code, w.Header(), g.Open(), g.Beyond())
		}
	}
	other, _ := g.admit("b")
	under(other)
	close(end)
	for range 4 {
		if w := <-answers; w.Code != http.StatusOK {
			t.Errorf("one that was under way: %d", w.Code)
		}
	}
	if g.Open() != 2 {
		t.Errorf("%d are open when all have ended, not the two connections", g.Open())
	}
}
