package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tandem/internal/wire"
)

func TestOriginSendsToTheEdgeThatIsNamed(t *testing.T) {
	secret, err := wire.NewSecret("a secret that only tests know")
	if err != nil {
		t.Fatal(err)
	}
	type arrival struct {
		path, body string
		header     http.Header
	}
	arrived := make(chan arrival, 10)
	answers := make(chan int, 10)
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- arrival{r.Method + " " + r.URL.RequestURI(), string(body), r.Header}
		w.WriteHeader(<-answers)
	}))
	defer edge.Close()
	dir := t.TempDir()
	write(t, dir, "film/1.ts", "segment")
	o := start(t, Config{Media: dir}, Deps{Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()

	// Fails once, then goes through: both attempts carry the whole object.
	answers <- 503
	answers <- 204
	_, body := o.get(t, "/film/1.ts?x=1", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL, wire.HeaderPair, "7")
	if body != "segment" {
		t.Errorf("the edge that asked got %q", body)
	}
	for range 2 {
		a := <-arrived
		if a.path != "PUT /_tandem/object/film/1.ts?x=1" || a.body != "segment" || a.header.Get(wire.HeaderAuth) != secret.Bearer() || a.header.Get(wire.HeaderPair) != "7" ||
			len(a.header.Get(wire.HeaderDigest)) != 64 || len(a.header.Get("ETag")) != 34 || a.header.Get("Content-Type") != "video/mp2t" {
			t.Errorf("%+v", a)
		}
	}
	// From a viewer, to a strange place, or of nothing: not sent.
	o.get(t, "/film/1.ts", wire.HeaderDest, edge.URL)
	o.get(t, "/film/1.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "file:///etc")
	o.get(t, "/film/none.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL)
	o.ask(t, http.MethodHead, "/film/1.ts", nil, wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if len(arrived) > 0 {
		t.Errorf("%d more were sent", len(arrived))
	}
	if n := value(t, o, "tandem_origin_deliveries_total"); n != 3 { // one done, two refused
		t.Errorf("%v deliveries counted, want 3", n)
	}
}

func TestOriginSendsToAGroupInDatagrams(t *testing.T) {
	secret, err := wire.NewSecret("a secret that only tests know")
	if err != nil {
		t.Fatal(err)
	}
	member, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	dir := t.TempDir()
	text := strings.Repeat("0123456789", 5000)
	write(t, dir, "film/1.ts", text)
	o := start(t, Config{Media: dir}, Deps{Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()
	answer, _ := o.get(t, "/film/1.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "udp://"+member.LocalAddr().String())

	whole := make([]byte, len(text))
	codec, buffer := secret.Datagrams(), make([]byte, 2048)
	if err := member.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for got := 0; got < len(text); {
		n, err := member.Read(buffer)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		d, err := codec.Open(buffer[:n])
		if err != nil || d.Key != "/film/1.ts" || d.Total != int64(len(text)) || d.ETag != answer.Header.Get("ETag") || d.Digest != sha256.Sum256([]byte(text)) ||
			d.Object != wire.DatagramObject(d.Key, d.ETag) || d.Type != "video/mp2t" || d.Caching != immortal {
			t.Fatalf("%+v, %v", d, err)
		}
		got += copy(whole[d.Offset:], d.Body)
	}
	if !bytes.Equal(whole, []byte(text)) {
		t.Error("the parts are not the whole")
	}
	o.get(t, "/film/1.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "udp://192.0.2.1:9")
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n := value(t, o, "tandem_origin_deliveries_total"); n != 2 { // one done, one refused
		t.Errorf("%v deliveries counted, want 2", n)
	}
}
