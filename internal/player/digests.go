package player

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxDigests bounds how many objects a Digests knows.
const maxDigests = 200_000

// Digests holds the SHA-256 of the origin's objects, each fetched from the origin
// once, whoever asks first. It is shared by many viewers.
type Digests struct {
	origin string
	client *http.Client

	mu      sync.Mutex
	entries map[string]*entry // guarded by mu; by path and query
}

// entry is one object; done is closed when sum or err is set.
type entry struct {
	done chan struct{}
	sum  [sha256.Size]byte
	err  error
}

// NewDigests makes a Digests of an origin's base URL.
func NewDigests(origin string) *Digests {
	return &Digests{
		origin: strings.TrimRight(origin, "/"), entries: map[string]*entry{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}},
	}
}

// Sum is the digest of the object at path, which is without a token.
func (b *Digests) Sum(ctx context.Context, path string) ([sha256.Size]byte, error) {
	b.mu.Lock()
	p, known := b.entries[path]
	if !known {
		if len(b.entries) >= maxDigests {
			b.entries = map[string]*entry{}
		}
		p = &entry{done: make(chan struct{})}
		b.entries[path] = p
	}
	b.mu.Unlock()
	if !known {
		// Not with the viewer's ctx: others wait for the same entry.
		p.sum, p.err = b.fetch(context.WithoutCancel(ctx), path)
		if p.err != nil {
			b.mu.Lock()
			delete(b.entries, path) // the next one tries again
			b.mu.Unlock()
		}
		close(p.done)
	}
	select {
	case <-p.done:
		return p.sum, p.err
	case <-ctx.Done():
		return p.sum, ctx.Err()
	}
}

// Known is how many objects were fetched from the origin so far.
func (b *Digests) Known() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.entries)
}

func (b *Digests) fetch(ctx context.Context, path string) (sum [sha256.Size]byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.origin+path, nil)
	if err != nil {
		return sum, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return sum, fmt.Errorf("origin: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return sum, fmt.Errorf("origin: %s: %s", path, resp.Status)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, resp.Body); err != nil {
		return sum, fmt.Errorf("origin: %s: %w", path, err)
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}
