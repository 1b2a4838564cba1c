package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	number "math/big"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// One port serves requests in clear, on loops, and hands over who speaks TLS there;
// both are clients with a place of their own, which they give back.
func TestWhoSpeaksTLSIsHandedOver(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var inside atomic.Int64
	others := NewOthers(ln.Addr())
	s := New(Config{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in clear") }), Others: others,
		Enter: func(string) (any, bool) { inside.Add(1); return nil, true }, Leave: func(any) { inside.Add(-1) },
	})
	secure := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "encrypted") })}
	over := make(chan error, 2)
	go func() { over <- s.Serve(ln) }()
	go func() {
		over <- secure.Serve(tls.NewListener(others, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}))
	}()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	for range 3 { // the second time on the connections that there are
		for scheme, want := range map[string]string{"http": "in clear", "https": "encrypted"} {
			resp, err := (&http.Client{Transport: transport}).Get(scheme + "://" + ln.Addr().String() + "/")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(text) != want || err != nil {
				t.Fatalf("%s: %q, %v", scheme, text, err)
			}
		}
	}
	if n := inside.Load(); n != 2 {
		t.Errorf("%d clients, want 2", n)
	}
	transport.CloseIdleConnections()
	for deadline := time.Now().Add(10 * time.Second); inside.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d clients after all have gone", inside.Load())
		}
	}
	_ = secure.Close()
	_ = s.Close()
	for range 2 {
		if err := <-over; err != http.ErrServerClosed {
			t.Error(err)
		}
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: number.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
