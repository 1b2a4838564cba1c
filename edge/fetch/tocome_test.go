package fetch

import (
	"net/http"
	"testing"

	"tandem/edge/rules"
	"tandem/internal/h1"
)

// That a range is not there yet is no news for longer than a moment where the file grows;
// of an object that stands it is the origin's word.
func TestRangeThatIsNotThereYetIsToCome(t *testing.T) {
	f := &Fetcher{}
	part := rules.RangeKey("/v/8.bin", h1.Range{First: 100, Last: 199})
	if !toCome(f, http.StatusRequestedRangeNotSatisfiable, part, "/v/8.bin") {
		t.Error("of a file that grows")
	}
	if toCome(f, http.StatusRequestedRangeNotSatisfiable, "/v/8.bin", "/v/8.bin") || toCome(f, http.StatusForbidden, part, "/v/8.bin") {
		t.Error("what is to come is taken for granted")
	}
}
