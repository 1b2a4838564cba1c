package segstore

import (
	"context"
	"io"
	"testing"
)

// A fill that runs can be looked at without starting one, and is read to its end by
// whoever has looked, though the one who started it has gone.
func TestGrowingLooksAndStartsNothing(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	if _, ok := s.Growing("/a"); ok || s.Filling("/a") {
		t.Error("there is nothing yet")
	}
	begin, goOn := make(chan struct{}), make(chan struct{})
	started := make(chan *View)
	go func() {
		v, _, err := s.Get(context.Background(), "/a", func(_ context.Context, sink *Sink) error {
			<-begin
			if err := sink.Begin(Meta{Size: 4}); err != nil {
				return err
			}
			_, _ = sink.Write([]byte("ab"))
			<-goOn
			_, err := sink.Write([]byte("cd"))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		started <- v
	}()
	for !s.Filling("/a") {
	}
	if _, ok := s.Growing("/a"); ok {
		t.Error("it has not begun")
	}
	close(begin)
	first := <-started
	if _, _, err := first.Wait(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	v, ok := s.Growing("/a")
	if !ok || v.Available() != 2 || v.Size() != 4 {
		t.Fatal(ok)
	}
	first.Close()
	close(goOn)
	if body, err := io.ReadAll(v.Reader(context.Background(), 0)); string(body) != "abcd" || err != nil {
		t.Errorf("%q %v", body, err)
	}
	v.Close()
	if err := s.Fill(context.Background(), "/a", nil); err != nil {
		t.Error(err)
	}
	if _, ok := s.Growing("/a"); ok {
		t.Error("it is whole")
	}
}
