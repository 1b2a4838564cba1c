package former

import (
	"testing"

	"tandem/internal/wire"
)

// Of what balancers tell the most of each figure counts.
func TestWhatBalancersTellOnlyGrows(t *testing.T) {
	var c Counts
	if c.Heard(nil); c.Told() != nil {
		t.Error("it knows of something")
	}
	c.Heard(&wire.Traffic{SentBytes: 9, Hits: 1})
	c.Heard(&wire.Traffic{SentBytes: 4, Hits: 3})
	if got := c.Told(); got == nil || *got != (wire.Traffic{SentBytes: 9, Hits: 3}) {
		t.Errorf("%+v", got)
	}
}
