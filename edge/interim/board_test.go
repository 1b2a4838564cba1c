package interim_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"tandem/edge/interim"
	"tandem/internal/call"
	"tandem/internal/wire"
)

// blocked is a writer that takes nothing until it is let.
type blocked struct {
	*httptest.ResponseRecorder
	in, out chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	b.in <- struct{}{}
	<-b.out
	return b.ResponseRecorder.Write(p)
}

// A body waits for the origin while nothing of it is being written and whoever asks has got
// all that was: neither while the node is slow, nor when something is on the way, nor when it
// is over.
func TestABodyThatWaitsIsKnown(t *testing.T) {
	var board interim.Board
	w := &blocked{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	to, end := board.Grows(w, []string{"edge-2"})
	said := call.ParseWaiting(w.Header().Get(wire.HeaderWaiting))
	id := said.Name
	if !slices.Equal(said.Asks, []string{"edge-2"}) {
		t.Errorf("said %+v", said)
	}
	ask := func(query string, want int) {
		t.Helper()
		r := httptest.NewRecorder()
		board.HandleWaiting(r, httptest.NewRequest(http.MethodGet, wire.PathWaiting+query, nil))
		if r.Code != want {
			t.Errorf("%s: %d, want %d", query, r.Code, want)
		}
	}
	const yes, no = http.StatusNoContent, http.StatusConflict
	ask("?id="+id+"&got=0", yes)
	done := make(chan struct{})
	go func() {
		_, _ = to.Write(make([]byte, 5))
		close(done)
	}()
	<-w.in
	ask("?id="+id+"&got=0", no) // it is the node that does not take
	w.out <- struct{}{}
	<-done
	ask("?id="+id+"&got=5", yes)
	ask("?id="+id+"&got=0", no) // on the way, or lost
	ask("?id="+id+"&got=6", no)
	ask("?id="+id+"0&got=5", no)
	ask("?id=&got=5", no)
	ask("?id="+id, no)
	end()
	ask("?id="+id+"&got=5", no)
	if err := http.NewResponseController(to).Flush(); err != nil {
		t.Error(err)
	}
}
