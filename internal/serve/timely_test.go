package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestAnAnswerThatNobodyTakesEnds: by either protocol, whether it has a body of its own or
// is a stream, or its last bytes are sent behind the handler.
func TestAnAnswerThatNobodyTakesEnds(t *testing.T) {
	for _, newer := range []bool{true, false} {
		ended := make(chan error, 1)
		s := httptest.NewUnstartedServer(timely(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			piece := make([]byte, 64<<10)
			for {
				if _, err := w.Write(piece); err != nil {
					ended <- err
					return
				}
			}
		}), time.Hour, 100*time.Millisecond))
		s.EnableHTTP2 = newer
		s.StartTLS()
		resp, err := s.Client().Get(s.URL) // and its body is not read
		must(t, err)
		if resp.ProtoAtLeast(2, 0) != newer {
			t.Error(resp.Proto)
		}
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatalf("%s: it is held", resp.Proto)
		}
		_ = resp.Body.Close()
		s.Close()
	}
}

// deadlines is a ResponseWriter that notes what is bounded when.
type deadlines struct {
	httptest.ResponseRecorder
	at      time.Time
	bounded []bool
}

func (d *deadlines) SetWriteDeadline(at time.Time) error { d.at = at; return nil }
func (d *deadlines) Write(b []byte) (int, error) {
	d.bounded = append(d.bounded, !d.at.IsZero())
	return len(b), nil
}
func (d *deadlines) FlushError() error { _, err := d.Write(nil); return err }

// TestOnlyWhatIsWrittenHasItsTime: a stream may be silent for as long as it likes.
func TestOnlyWhatIsWrittenHasItsTime(t *testing.T) {
	d := &deadlines{at: time.Unix(1, 0)} // of the request before
	timely(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !d.at.IsZero() {
			t.Error("bounded before anything is written")
		}
		_, _ = w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		if !d.at.IsZero() {
			t.Error("bounded between what is written")
		}
		own := time.Unix(2, 0)
		_ = http.NewResponseController(w).SetWriteDeadline(own)
		if _, _ = w.Write([]byte("x")); !d.at.Equal(own) {
			t.Error("a handler's own bound is gone")
		}
	}), time.Hour, time.Hour).ServeHTTP(d, httptest.NewRequest(http.MethodGet, "/", nil))
	if len(d.bounded) != 3 || !d.bounded[0] || !d.bounded[1] || !d.at.After(time.Now()) {
		t.Errorf("%v, at the end %v", d.bounded, d.at)
	}
}
