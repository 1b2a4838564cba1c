package call

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A page may send what fields it likes, and ask with credentials: whether it may read the
// answer is said by the answer.
func TestPreflight(t *testing.T) {
	const player = "https://player.example"
	for _, row := range []struct {
		name                     string
		asks                     []string
		page, fields, credential string
	}{
		{"OPTIONS alone", nil, "*", corsAsked + ", *", ""},
		{"OPTIONS of a page, no preflight", []string{"Origin", player}, "*", corsAsked + ", *", ""},
		{"a preflight", []string{"Origin", player, "Access-Control-Request-Method", "GET"}, player, corsAsked + ", *", "true"},
		{"with fields of the page's own", []string{"Origin", player, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "range,x-mine"}, player, "range,x-mine", "true"},
		{"with too many", []string{"Origin", player, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", strings.Repeat("x", mostAsked+1)}, player, corsAsked + ", *", "true"},
		{"of a page without an origin", []string{"Origin", "null", "Access-Control-Request-Method", "GET"}, "*", corsAsked + ", *", ""},
	} {
		r := httptest.NewRequest(http.MethodOptions, "/v/x/1.ts", nil)
		for i := 0; i < len(row.asks); i += 2 {
			r.Header.Set(row.asks[i], row.asks[i+1])
		}
		w := httptest.NewRecorder()
		Preflight(w, r)
		h := w.Header()
		if page, fields, credential := h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Headers"), h.Get("Access-Control-Allow-Credentials"); w.Code != http.StatusNoContent || page != row.page || fields != row.fields || credential != row.credential {
			t.Errorf("%s: %d %s, %s, %q", row.name, w.Code, page, fields, credential)
		}
		if methods := h.Get("Access-Control-Allow-Methods"); methods != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: methods %s", row.name, methods)
		}
	}
}
