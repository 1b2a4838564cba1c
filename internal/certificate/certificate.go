package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"

	"tandem/internal/filewatch"
)

// File is a certificate and its key on disk.
type File struct {
	cert, key string
	log       zerolog.Logger
	now       atomic.Pointer[tls.Certificate]

	mu    sync.Mutex
	stamp filewatch.Stamps // guarded by mu
}

// Open reads the files once; without files it is nil. Both may be one file.
func Open(cert, key string, log zerolog.Logger) (*File, error) {
	if cert == "" {
		return nil, nil
	}
	f := &File{cert: cert, key: key, log: log}
	f.stamp = filewatch.Of(cert, key)
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) read() error {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if path := (*fs.PathError)(nil); err != nil && !errors.As(err, &path) {
		files := f.cert
		if f.key != f.cert {
			files += " with the key of " + f.key
		}
		return fmt.Errorf("%s: %s", files, strings.TrimPrefix(err.Error(), "tls: "))
	}
	if err != nil {
		return err // it names the file
	}
	f.now.Store(&pair)
	return nil
}

// Leaf is the certificate that is shown.
func (f *File) Leaf() *x509.Certificate { return f.now.Load().Leaf }

// Name is where the certificate stands.
func (f *File) Name() string { return f.cert }

// Run watches the files until ctx ends.
func (f *File) Run(ctx context.Context) error { return filewatch.Run(ctx, f.Look) }

// Look reads the files if they changed. Certificate and key are replaced one
// after the other, so a pair that does not fit is looked at again.
func (f *File) Look() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	stamp := filewatch.Of(f.cert, f.key)
	if stamp.Same(f.stamp) {
		return
	}
	if err := f.read(); err != nil {
		f.log.Warn().Str("file", f.cert).Err(err).Msg("the new certificate can't be used; the old one stays")
		return
	}
	f.stamp = stamp
	f.log.Info().Str("file", f.cert).Msg("certificate read anew")
}

// Config is for a listener; nil: there is no certificate.
func (f *File) Config() *tls.Config {
	if f == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return f.now.Load(), nil
		},
	}
}
