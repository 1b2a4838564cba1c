package lb

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// certificateEvery is how often the files are looked at.
const certificateEvery = 2 * time.Second

// certificate is the one that viewers are shown; its files are read anew when
// they change, and a broken new one changes nothing.
type certificate struct {
	cert, key string
	log       zerolog.Logger
	now       atomic.Pointer[tls.Certificate]

	mu    sync.Mutex
	stamp [2]fileStamp // guarded by mu
}

// fileStamp is what tells a file from its replacement.
type fileStamp struct {
	changed time.Time
	size    int64
}

func stampOf(path string) fileStamp {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}
	}
	return fileStamp{info.ModTime(), info.Size()}
}

// openCertificate reads the files once; without files it is nil.
func openCertificate(cert, key string, log zerolog.Logger) (*certificate, error) {
	if cert == "" {
		return nil, nil
	}
	c := &certificate{cert: cert, key: key, log: log}
	c.stamp = [2]fileStamp{stampOf(cert), stampOf(key)}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return c, nil
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.now.Store(&pair)
	return nil
}

// run watches the files until ctx ends.
func (c *certificate) run(ctx context.Context) error {
	tick := time.NewTicker(certificateEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			c.look()
		}
	}
}

// look reads the files if they changed. Certificate and key are replaced one
// after the other, so a pair that does not fit is looked at again.
func (c *certificate) look() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp := [2]fileStamp{stampOf(c.cert), stampOf(c.key)}
	if stamp == c.stamp {
		return
	}
	if err := c.read(); err != nil {
		c.log.Warn().Err(err).Msg("the new certificate can't be used; the old one stays")
		return
	}
	c.stamp = stamp
	c.log.Info().Str("file", c.cert).Msg("certificate read anew")
}

// config is for a listener.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.now.Load(), nil
		},
	}
}
