package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

const (
	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY"
	blockRequest     = "CERTIFICATE REQUEST"
	// maxPEM bounds a file or a message with certificates, in bytes.
	maxPEM = 256 << 10
)

// parsePEM reads at most one key and any number of certificates.
func parsePEM(text []byte) (key crypto.Signer, certs []*x509.Certificate, err error) {
	if len(text) > maxPEM {
		return nil, nil, fmt.Errorf("%w: %d bytes, at most %d", ErrFile, len(text), maxPEM)
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return key, certs, nil
		}
		switch block.Type {
		case blockCertificate:
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("%w: certificate %d: %w", ErrFile, len(certs)+1, err)
			}
			certs = append(certs, c)
		case blockKey, "EC PRIVATE KEY", "RSA PRIVATE KEY":
			if key != nil {
				return nil, nil, fmt.Errorf("%w: it holds two keys", ErrFile)
			}
			if key, err = parseKey(block); err != nil {
				return nil, nil, err
			}
		}
	}
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		// Not wrapped: the error of a parser may quote what it has read.
		return nil, fmt.Errorf("%w: the private key is damaged, or of a kind that signs nothing", ErrFile)
	}
	return signer, nil
}

func keyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), nil
}

func certificatePEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: c.Raw})...)
	}
	return out
}

func samePublicKey(a, b crypto.PublicKey) bool {
	same, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && same.Equal(b)
}

// Key is a private key for which a certificate is being asked.
type Key struct{ signer crypto.Signer }

// NewKey draws a key.
func NewKey() (Key, error) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return Key{signer}, err
}

// Request asks for a certificate of the key, PEM. It proves that who asks holds
// the key; whose it will be is not in it.
func (k Key) Request() ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, k.signer)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: blockRequest, Bytes: der}), nil
}

func parseRequest(text []byte) (*x509.CertificateRequest, error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("%w: a request of %d bytes", ErrFile, len(text))
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != blockRequest {
		return nil, fmt.Errorf("%w: no certificate request", ErrFile)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate request: %w", ErrFile, err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: the request is not signed by its key: %w", ErrFile, err)
	}
	if _, ok := csr.PublicKey.(*ecdsa.PublicKey); !ok {
		return nil, fmt.Errorf("%w: a node's key is an ECDSA key", ErrFile)
	}
	return csr, nil
}
