package lb

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// A reload changes limits under those who are there, and tells what it did; one
// that is refused says that nothing has changed.
func TestAReloadThroughTheAPI(t *testing.T) {
	var fails error
	var b *LB
	c := newStage(t, stageOptions{deps: func(d *Deps) {
		d.Reload = func() (any, error) {
			if fails == nil {
				b.Process().Reload(Config{MaxConnections: 7, MaxPerClient: 3})
			}
			return map[string][]string{"applied": {"max-connections"}, "needs_restart": {"listen"}}, fails
		}
	}})
	b = c.lb
	var did map[string][]string
	c.api(http.MethodPost, "/reload", nil, http.StatusOK, &did)
	if len(did["applied"]) != 1 || len(did["needs_restart"]) != 1 || b.connections.Limited() != [2]int{7, 3} {
		t.Errorf("%v; %v", did, b.connections.Limited())
	}
	fails = errors.New("line 3: unknown key")
	if text := c.api(http.MethodPost, "/reload", nil, http.StatusUnprocessableEntity, nil); !strings.Contains(string(text), "line 3: unknown key; nothing has changed") {
		t.Errorf("%s", text)
	}
}
