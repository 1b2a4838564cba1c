package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestABlankBalancerSaysOfNobodyThatHeIsNotThere(t *testing.T) {
	blank := true
	h := knowing(func() bool { return blank })(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, Prefix+path, nil))
		return w.Code, w.Body.String()
	}
	for path, method := range map[string]string{
		"/edges/edge-2/drain": "GET", "/edges/edge-2/resume": "POST", "/purge": "POST", "/upstreams": "PUT", "/balancers/lb-9": "DELETE", "/nodes/edge-2/revoke": "POST", "/sessions/x": "DELETE",
	} {
		if status, text := ask(method, path); status != http.StatusServiceUnavailable || !strings.Contains(text, "ask another one") {
			t.Errorf("%s %s: %d %s", method, path, status, text)
		}
	}
	for path, method := range map[string]string{"/status": "GET", "/edges": "GET", "/cluster/restore": "POST", "/cluster/recover": "POST", "/reload": "POST", "/demo/nodes/lb-1/kill": "POST", "/openapi.json": "GET"} {
		if status, text := ask(method, path); status != http.StatusTeapot {
			t.Errorf("%s %s: %d %s", method, path, status, text)
		}
	}
	blank = false
	if status, text := ask("POST", "/edges/edge-2/drain"); status != http.StatusTeapot {
		t.Errorf("one that knows: %d %s", status, text)
	}
}
