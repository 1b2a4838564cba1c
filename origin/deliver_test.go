package origin

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

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
		arrived <- arrival{r.Method + " " + r.RequestURI, string(body), r.Header}
		w.WriteHeader(<-answers)
	}))
	defer edge.Close()
	dir := t.TempDir()
	write(t, dir, "film/1 a.ts", "segment")
	o := start(t, Config{Media: dir}, Deps{Secret: secret})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()

	// Fails once, then goes through: both attempts carry the whole object.
	answers <- 503
	answers <- 204
	answer, body := o.get(t, "/film/1%20%61.ts?x=1%2f", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL, wire.HeaderPair, "7")
	if body != "segment" || answer.Header.Get(wire.HeaderDest) != edge.URL {
		t.Errorf("the edge that asked got %q, told %q", body, answer.Header.Get(wire.HeaderDest))
	}
	for range 2 {
		a := <-arrived
		if a.path != "PUT /_tandem/object/film/1%20%61.ts?x=1%2f" || a.body != "segment" || a.header.Get(wire.HeaderAuth) != secret.Bearer() || a.header.Get(wire.HeaderPair) != "7" ||
			len(a.header.Get(wire.HeaderDigest)) != 64 || len(a.header.Get("ETag")) != 34 || a.header.Get("Content-Type") != "video/mp2t" {
			t.Errorf("%+v", a)
		}
	}
	// From a viewer, to a strange place, or of nothing: not sent.
	if answer, _ := o.get(t, "/film/1%20a.ts", wire.HeaderDest, edge.URL); answer.Header.Get(wire.HeaderDest) != "" {
		t.Error("a viewer was told that it is sent")
	}
	o.get(t, "/film/1%20a.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, "file:///etc")
	o.get(t, "/film/none.ts", wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL)
	o.ask(t, http.MethodHead, "/film/1%20a.ts", nil, wire.HeaderAuth, secret.Bearer(), wire.HeaderDest, edge.URL)
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
