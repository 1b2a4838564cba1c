package segstore

import (
	"context"
	"io"
	"testing"
)

// What bears a tag goes with it, also what is being filled, whether that is known
// yet or not; who reads it reads on.
func TestDeleteTaggedTakesWhatBearsTheTag(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	ctx := context.Background()
	for key, tags := range map[string]Tags{"/1": " film-7 drama ", "/2": " film-70 ", "/3": "", "/4": " x film-7 ", "/5": " film-7"} {
		if err := s.Fill(ctx, key, sourceOf(Meta{Size: 1, Tags: tags}, []byte("x"))); err != nil {
			t.Fatal(err)
		}
	}
	began, goOn := make(chan struct{}), make(chan struct{})
	filling := func(early bool) Source {
		return func(_ context.Context, sink *Sink) error {
			if !early {
				began <- struct{}{}
				<-goOn
			}
			if err := sink.Begin(Meta{Size: 1, Tags: " film-7 "}); err != nil {
				return err
			}
			if early {
				began <- struct{}{}
				<-goOn
			}
			_, err := sink.Write([]byte("x"))
			return err
		}
	}
	read := make(chan string, 2)
	for key, early := range map[string]bool{"/early": true, "/late": false} {
		go func() {
			v, _, err := s.Get(ctx, key, filling(early))
			if err != nil {
				t.Error(err)
				read <- ""
				return
			}
			defer v.Close()
			body, err := io.ReadAll(v.Reader(ctx, 0))
			if err != nil {
				t.Error(err)
			}
			read <- string(body)
		}()
		<-began
	}
	if n := s.DeleteTagged("film-7"); n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
	close(goOn)
	for range 2 {
		if body := <-read; body != "x" {
			t.Errorf("a reader got %q", body)
		}
	}
	for key, there := range map[string]bool{"/1": false, "/2": true, "/3": true, "/4": false, "/5": true, "/early": false, "/late": false} {
		for s.Filling(key) {
		}
		if s.Has(key) != there {
			t.Errorf("%s: there %v, want %v", key, s.Has(key), there)
		}
	}
}
