package lb

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/budget"
)

// The certificate that viewers are shown is told of before its end.
func TestTheViewersCertificateIsToldBeforeItsEnd(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	writeCertificate(t, cert, key, 1) // an hour is left
	c, err := openCertificate(cert, key, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	l := &LB{certificate: c, budgets: budget.NewWatch("lb-1", budget.Refused{Connections: budget.NewLimiter(1, 1, nil)})}
	for now, want := range map[time.Time]string{time.Now(): "the viewers' certificate ends at ", time.Now().Add(2 * time.Hour): "the viewers' certificate has ended at "} {
		l.now = func() time.Time { return now }
		if said := troubles(l); len(said) != 1 || !strings.HasPrefix(said[0].Text, want) || !strings.Contains(said[0].Next, cert) {
			t.Errorf("%v is said, not %q", said, want)
		}
	}
}
