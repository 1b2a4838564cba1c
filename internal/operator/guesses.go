package operator

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// guessEvery is how often it is told of tokens that nobody has: whoever guesses fills no log.
const guessEvery = time.Minute

// guesses counts the tokens that were shown and that nobody has. They are 256 bits, drawn,
// so nobody is kept from guessing; but operators hear of it, and of a token that was
// taken out and is still in use somewhere.
type guesses struct {
	mu   sync.Mutex
	told time.Time // guarded by mu
	more int       // since then; guarded by mu
}

// guessed notes a token that nobody has.
func (g *Gate) guessed(r *http.Request) {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	now := g.deps.Now()
	g.guesses.mu.Lock()
	more, quiet := g.guesses.more, now.Sub(g.guesses.told) < guessEvery
	if g.guesses.more++; !quiet {
		g.guesses.told, g.guesses.more = now, 0
	}
	g.guesses.mu.Unlock()
	switch {
	case quiet:
	case more > 0:
		g.deps.Tell(fmt.Errorf("a token that nobody has was shown from %s, and %d more times since this was last said", from, more))
	default:
		g.deps.Tell(fmt.Errorf("a token that nobody has was shown from %s", from))
	}
}
