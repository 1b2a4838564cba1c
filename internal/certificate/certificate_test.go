package certificate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"tandem/internal/certificate/certtest"
)

func TestNewCertificateIsTakenAndABrokenOneIsNot(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certtest.Write(t, cert, key, 1)
	c, err := Open(cert, key, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		shown, err := c.Config().GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return shown.Leaf.SerialNumber.Int64()
	}
	certtest.Write(t, cert, key, 2)
	c.Look()
	if serial() != 2 {
		t.Fatal("the new one is not shown")
	}
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Look()
	if serial() != 2 {
		t.Fatal("a broken one is shown")
	}
	if _, err := Open(cert, key, zerolog.Nop()); err == nil {
		t.Fatal("a broken one is opened")
	}
}

// A node's own file holds both, and so may another one.
func TestCertificateAndKeyMayBeOneFile(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certtest.Write(t, cert, key, 1)
	var both []byte
	for _, path := range []string{key, cert} { // as internal/identity keeps them
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	if err := os.WriteFile(cert, both, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Open(cert, cert, zerolog.Nop()); err != nil || c.Config() == nil {
		t.Fatal(err)
	}
	if c, err := Open("", "", zerolog.Nop()); err != nil || c.Config() != nil {
		t.Fatal("without files there is a certificate:", err)
	}
}

// What can't be used is named with its file, and none twice.
func TestAFileThatHoldsNoCertificateIsNamed(t *testing.T) {
	dir := t.TempDir()
	cert, key, text := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "text")
	certtest.Write(t, cert, key, 1)
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ cert, key, want string }{
		{text, key, text + " with the key of " + key + ": failed to find any PEM data in certificate input"},
		{cert, text, cert + " with the key of " + text + ": failed to find any PEM data in key input"},
		{filepath.Join(dir, "none"), key, "open " + filepath.Join(dir, "none") + ": no such file or directory"},
	} {
		if _, err := Open(c.cert, c.key, zerolog.Nop()); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
