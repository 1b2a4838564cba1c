package fault

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func object(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}

func openProxy(t *testing.T, body []byte) (*Proxy, *http.Client) {
	t.Helper()
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		http.ServeContent(w, r, "a.m4s", time.Time{}, bytes.NewReader(body))
	}))
	t.Cleanup(edge.Close)
	p, err := Open(strings.TrimPrefix(edge.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return p, client
}

func fetch(t *testing.T, client *http.Client, addr string) ([]byte, int64, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+addr+"/a.m4s", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return b, resp.ContentLength, err
}

// Without a fault the proxy is not noticed, on one connection or several.
func TestBytesPassUnchanged(t *testing.T) {
	body := object(300_000)
	p, client := openProxy(t, body)
	for range 5 {
		got, _, err := fetch(t, client, p.Addr())
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes of %d: %v", len(got), len(body), err)
		}
	}
	if p.Answers() != 5 || p.Struck() != 0 {
		t.Fatalf("%d answers, %d struck", p.Answers(), p.Struck())
	}
}

// A fault strikes at its byte, the number of times it was told, and is over.
func TestFaultStrikesAtItsByte(t *testing.T) {
	body := object(300_000)
	p, client := openProxy(t, body)
	for _, at := range []int64{0, 1, 65_536, 299_999} {
		if err := p.Set(Fault{Kind: Close, At: at, Times: 1}); err != nil {
			t.Fatal(err)
		}
		got, _, err := fetch(t, client, p.Addr())
		if err == nil || int64(len(got)) != at || !bytes.Equal(got, body[:at]) {
			t.Fatalf("close@%d: %d bytes, %v", at, len(got), err)
		}
		if got, _, err = fetch(t, client, p.Addr()); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("after close@%d: %d bytes, %v", at, len(got), err)
		}
	}
	if err := p.Set(Fault{Kind: Short}); err != nil {
		t.Fatal(err)
	}
	if got, length, err := fetch(t, client, p.Addr()); err == nil || length != int64(len(body))+shortBy {
		t.Fatalf("short: %d bytes of %d announced, %v", len(got), length, err)
	}
}

// A port that refuses is the same port when it is open again.
func TestRefuseAndBack(t *testing.T) {
	body := object(10)
	p, client := openProxy(t, body)
	addr := p.Addr()
	if err := p.Set(Fault{Kind: Refuse}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(t, client, addr); err == nil {
		t.Fatal("answered")
	}
	if err := p.Set(Fault{}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := fetch(t, client, addr); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestParse(t *testing.T) {
	f, err := Parse("kill@4096x3")
	if err != nil || f != (Fault{Kind: Kill, At: 4096, Times: 3}) {
		t.Fatalf("%+v, %v", f, err)
	}
	for _, bad := range []string{"", "boom", "kill@x", "killx0", "stop@1x-1"} {
		if f, err := Parse(bad); err == nil {
			t.Errorf("%q: %+v", bad, f)
		}
	}
}
