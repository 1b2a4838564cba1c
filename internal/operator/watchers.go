package operator

import (
	"context"
	"net/http"
	"strings"
	"sync"
)

// shown is what somebody shows of who they are: a token, or a login's cookie.
type shown struct{ token, login string }

func (g *Gate) shownBy(r *http.Request) shown {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return shown{token: strings.TrimSpace(token)}
	}
	if c, err := r.Cookie(g.cookieName("session")); err == nil {
		return shown{login: c.Value}
	}
	return shown{}
}

// watchers are the requests that are being answered. A stream of events lasts as long as
// who watches likes: not longer than what they showed is good.
type watchers struct {
	mu  sync.Mutex
	all map[*watcher]struct{} // guarded by mu
}

type watcher struct {
	shown
	needs Role
	end   context.CancelFunc
}

// enter notes a request; it is left by calling left.
func (w *watchers) enter(ctx context.Context, s shown, needs Role) (_ context.Context, left func()) {
	ctx, cancel := context.WithCancel(ctx)
	one := &watcher{s, needs, cancel}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[*watcher]struct{}{}
	}
	w.all[one] = struct{}{}
	return ctx, func() {
		cancel()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, one)
	}
}

// endRevoked ends the requests of those who may not ask any more.
func (g *Gate) endRevoked() {
	g.watchers.mu.Lock()
	defer g.watchers.mu.Unlock()
	for one := range g.watchers.all {
		if g.who(one.shown).Role < one.needs {
			one.end()
		}
	}
}
