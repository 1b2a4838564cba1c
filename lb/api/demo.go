package api

import (
	"io"
	"net/http"
	"strings"
	"time"

	"tandem/internal/call"
)

// demoLimit is how long the demo may take to do something to a node.
const demoLimit = 15 * time.Second

// handleDemo passes what the page asks of a demo's nodes on to the demo, which alone
// knows their processes. Elsewhere there is nothing of the kind.
func (a *API) handleDemo(w http.ResponseWriter, r *http.Request) {
	if a.deps.DemoControl == "" {
		call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "this is no demo: nodes are killed and started where they run")
		return
	}
	url := a.deps.DemoControl + strings.TrimPrefix(r.URL.EscapedPath(), Prefix+"/demo")
	if r.Method == http.MethodGet {
		url = a.deps.DemoControl + "/"
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, url, nil)
	if err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	resp, err := (&http.Client{Timeout: demoLimit}).Do(req)
	if err != nil {
		call.RefuseNode(w, http.StatusBadGateway, "demo", "the demo's process does not answer")
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		call.RefuseNode(w, http.StatusBadGateway, "demo", err.Error())
	case resp.StatusCode >= 300:
		call.RefuseNode(w, http.StatusConflict, "demo", strings.TrimSpace(string(text)))
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // who has gone asks again
	}
}
