package identity

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

// A certificate near its end is told of: there is time left to see to it.
func TestACertificateNearItsEndIsTold(t *testing.T) {
	day := 24 * time.Hour
	leaf := &x509.Certificate{NotBefore: moment, NotAfter: moment.Add(30 * day)}
	for after, want := range map[time.Duration]string{0: "", 25 * day: "", 25*day + 1: "ends at ", 30*day - 1: "ends at ", 30 * day: "has ended at "} {
		if want != "" {
			want += leaf.NotAfter.Format("2006-01-02T15:04Z")
		}
		if said := Ending(leaf, moment.Add(after)); said != want {
			t.Errorf("after %s: %q, not %q", after, said, want)
		}
	}
	c := newTown(t)
	b := c.node(Edge, "edge-1")
	b.clock = func() time.Time { return moment.Add(NodeLife - time.Hour) }
	if late := b.Late(); len(late) != 1 || !strings.HasPrefix(late[0].Text, "its certificate ends at ") || !strings.Contains(late[0].Next, "tandem ticket edge edge-1 ") {
		t.Errorf("%v", late)
	}
	if late := (*Bundle)(nil).Late(); late != nil {
		t.Errorf("no certificate, and %v", late)
	}
}
