package edge

import (
	"net/http"
	"strings"
	"testing"

	"tandem/internal/wire"
)

func TestAnEdgeSaysWhatItsViewersWatch(t *testing.T) {
	o := newOrigin(t)
	_, edges := startRing(t, 3, o)
	for _, row := range []struct {
		edge   int
		pair   wire.PairID
		stream string
	}{
		{1, 1, "/v/x/"},
		{1, 2, "/v/x/"},
		{1, 2, "/v/x/"},
		{1, 2, "/v/y/"},
		{2, 2, "/v/z/"}, // mirrored at the edge that is asked, and delivered elsewhere
	} {
		if _, reason := open(t, edges[row.edge], row.pair, row.stream); reason != "" {
			t.Fatal(row, reason)
		}
	}
	eventually(t, "mirrored", func() bool { return edges[1].mirrored(2) == 4 })
	resp, b := do(t, http.MethodGet, edges[1].url+wire.PathStreams, nil, asNode()...)
	if want := `[{"stream":"/v/x/","sessions":3,"pairs":[1,2]},{"stream":"/v/y/","sessions":1,"pairs":[2]}]`; resp.StatusCode != http.StatusOK || strings.TrimSpace(string(b)) != want {
		t.Fatalf("%s %s, want %s", resp.Status, b, want)
	}
}
