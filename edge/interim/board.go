package interim

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// Board knows the bodies on their way to nodes that may stand still because the origin
// does. Once a body has begun nothing else can be said in it: who sees one stand still asks
// (wire.PathWaiting), and is told whether this edge lives and has sent all that it got. The
// zero value is ready.
type Board struct {
	mu   sync.Mutex
	last uint64           // guarded by mu
	on   map[uint64]*body // guarded by mu
}

// body is one on its way; guarded by Board.mu.
type body struct {
	sent    int64 // bytes
	writing bool  // it is the node that is waited for
}

// Grows says in a head to come that its body may stand still, how to ask about it, and which
// neighbours were asked for it. What is written to the writer that it returns counts; end is called when nothing more is.
func (b *Board) Grows(w http.ResponseWriter, asks []string) (to http.ResponseWriter, end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.on == nil {
		b.on, b.last = map[uint64]*body{}, rand.Uint64() // a former life's are others
	}
	b.last++
	id, on := b.last, new(body)
	b.on[id] = on
	w.Header().Set(wire.HeaderWaiting, call.Waiting{Name: strconv.FormatUint(id, 36), Asks: asks}.String())
	return &told{w, b, on}, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.on, id)
	}
}

// Waits tells whether a body stands still because there is no more of it here yet: whoever
// asks has got all that was sent.
func (b *Board) Waits(id string, got int64) bool {
	n, err := strconv.ParseUint(id, 36, 64)
	if err != nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	on := b.on[n]
	return on != nil && !on.writing && on.sent == got
}

// told is a writer whose body is on the board.
type told struct {
	http.ResponseWriter
	board *Board
	body  *body
}

// Unwrap is for http.ResponseController.
func (t *told) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Write is an io.Writer's.
func (t *told) Write(b []byte) (int, error) {
	t.writes(true, 0)
	n, err := t.ResponseWriter.Write(b)
	t.writes(false, n)
	return n, err
}

func (t *told) writes(on bool, n int) {
	t.board.mu.Lock()
	defer t.board.mu.Unlock()
	t.body.writing = on
	t.body.sent += int64(n)
}

// HandleWaiting answers who asks: 204, or 409 where the body does not wait, or is none of
// ours.
func (b *Board) HandleWaiting(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if got, err := strconv.ParseInt(q.Get("got"), 10, 64); err != nil || !b.Waits(q.Get("id"), got) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
