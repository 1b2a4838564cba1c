package identity

import (
	"crypto/x509"
	"sync"
	"time"
)

// verifiedMost bounds the certificates that are known to be verified.
const verifiedMost = 512

// verified knows the certificates that lead to one set of roots, and from when until when
// they do: whoever asks again costs no signature. A revocation is not its business.
type verified struct {
	mu sync.Mutex
	by map[string][2]time.Time // by a certificate's DER; guarded by mu
}

func newVerified() *verified { return &verified{by: map[string][2]time.Time{}} }

func (v *verified) holds(leaf *x509.Certificate, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	life, ok := v.by[string(leaf.Raw)]
	return ok && !now.Before(life[0]) && !now.After(life[1])
}

// note keeps what a verification found: the first chain's life.
func (v *verified) note(leaf *x509.Certificate, chains [][]*x509.Certificate) {
	life := [2]time.Time{leaf.NotBefore, leaf.NotAfter}
	for _, cert := range chains[0] {
		if cert.NotBefore.After(life[0]) {
			life[0] = cert.NotBefore
		}
		if cert.NotAfter.Before(life[1]) {
			life[1] = cert.NotAfter
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.by) >= verifiedMost {
		clear(v.by)
	}
	v.by[string(leaf.Raw)] = life
}
