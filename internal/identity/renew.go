package identity

import (
	"context"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"time"

	"tandem/internal/filewatch"
	"tandem/internal/wire"
)

const renewAgain = time.Minute // between attempts

// Ask gets a certificate for a request from a balancer: the chain and the roots
// to trust, PEM.
type Ask func(ctx context.Context, request []byte) (chain, roots []byte, err error)

// Tell is what Run tells its owner.
type Tell struct {
	Renewed func(until time.Time)
	Failed  func(err error)
}

// Run renews the certificate after two thirds of its life, and takes new files,
// until ctx ends. ask may be nil: then only files are taken.
func (b *Bundle) Run(ctx context.Context, ask Ask, tell Tell) error {
	tick := time.NewTicker(filewatch.Every)
	defer tick.Stop()
	var next time.Time // no attempt before
	seen := b.stamps()
	for {
		now := false
		select {
		case <-ctx.Done():
			return nil
		case <-b.renew:
			now = true
		case <-tick.C:
			if stamps := b.stamps(); !stamps.Same(seen) {
				seen = stamps
				b.take(tell)
			}
			now = b.outdated() // nobody answered, or a balancer that did not know of the change yet
		}
		if ask == nil || !now && (b.clock().Before(b.renewal()) || b.clock().Before(next)) {
			continue
		}
		if err := b.renewNow(ctx, ask); err != nil {
			next = b.clock().Add(renewAgain)
			tell.Failed(fmt.Errorf("the certificate, good until %s, was not renewed: %w", b.Until().UTC().Format(time.RFC3339), err))
			continue
		}
		tell.Renewed(b.Until())
	}
}

// take reads files that somebody else has changed.
func (b *Bundle) take(tell Tell) {
	changed, err := b.Reload()
	switch {
	case err != nil:
		tell.Failed(fmt.Errorf("the new files of the identity can't be used, the old ones stay: %w", err))
	case changed:
		tell.Renewed(b.Until())
	}
}

func (b *Bundle) stamps() filewatch.Stamps {
	return filewatch.Of(filepath.Join(b.dir, nodeFile), filepath.Join(b.dir, rootsFile))
}

// renewal is when the certificate is renewed.
func (b *Bundle) renewal() time.Time {
	leaf := b.now.Load().leaf
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) * 2 / 3)
}

// Ending says how a certificate ends, "" while more than a sixth of its life is left.
func Ending(leaf *x509.Certificate, now time.Time) string {
	until := leaf.NotAfter.UTC().Format("2006-01-02T15:04Z")
	switch left := leaf.NotAfter.Sub(now); {
	case left <= 0:
		return "has ended at " + until
	case left < leaf.NotAfter.Sub(leaf.NotBefore)/6:
		return "ends at " + until
	}
	return ""
}

// Late is what there is to say of a certificate that is near its end: it should have been
// renewed long ago.
func (b *Bundle) Late() []wire.Trouble {
	if b == nil {
		return nil
	}
	how, n := Ending(b.now.Load().leaf, b.clock()), b.Name()
	if how == "" {
		return nil
	}
	return []wire.Trouble{{
		Text: "its certificate " + how + " and could not be renewed",
		Next: fmt.Sprintf("The log of %s says why; by hand: tandem ticket %s %s --address HOST, and on it tandem join TICKET --identity DIR.", n.Node, n.Role, n.Node),
	}}
}

// Early tells why a chain that was just issued is not used: it would be refused by all
// whose clocks are like this node's.
func Early(chain []byte, now time.Time) error {
	_, certs, err := parsePEM(chain)
	if err != nil || len(certs) == 0 || !now.Before(certs[0].NotBefore) {
		return err
	}
	return new(current).refusal(certs[0], x509.CertificateInvalidError{Cert: certs[0], Reason: x509.Expired}, now)
}

// Early is why a chain that was issued to this node is not used, by its own clock: another
// balancer's may be right.
func (b *Bundle) Early(chain []byte) error { return Early(chain, b.clock()) }

func (b *Bundle) renewNow(ctx context.Context, ask Ask) error {
	key, err := NewKey()
	if err != nil {
		return err
	}
	request, err := key.Request()
	if err != nil {
		return err
	}
	chain, roots, err := ask(ctx, request)
	if err == nil {
		err = b.Early(chain)
	}
	if err != nil {
		return err
	}
	b.mu.Lock()
	err = Save(b.dir, key, chain, roots)
	b.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = b.Reload()
	return err
}
