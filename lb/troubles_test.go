package lb

import (
	"strings"
	"testing"
	"time"

	"tandem/internal/budget"
)

// The certificate that viewers are shown is told of before its end.
func TestTheViewersCertificateIsToldBeforeItsEnd(t *testing.T) {
	cert, key := newCertificate(t) // an hour is left
	c := certificateOf(cert, key)
	l := &LB{certificate: c, budgets: budget.NewWatch("lb-1", budget.Refused{Connections: budget.NewLimiter(1, 1, nil)}, nil)}
	l.now = func() time.Time { return c.Leaf().NotBefore }
	if said := troubles(l, nil); len(said) != 0 {
		t.Errorf("%v is said of a new one", said)
	}
	for now, want := range map[time.Time]string{time.Now(): "the viewers' certificate ends at ", time.Now().Add(2 * time.Hour): "the viewers' certificate has ended at "} {
		l.now = func() time.Time { return now }
		if said := troubles(l, nil); len(said) != 1 || !strings.HasPrefix(said[0].Text, want) || !strings.Contains(said[0].Next, cert) {
			t.Errorf("%v is said, not %q", said, want)
		}
	}
}
