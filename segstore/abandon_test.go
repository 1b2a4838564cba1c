package segstore

import (
	"context"
	"errors"
	"testing"
)

func TestFillEndsWhenAllWaitersGiveUp(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	started, ended := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("the player has gone")
	go func() { <-started; cancel(gaveUp) }()
	_, outcome, err := s.Get(ctx, "/w", func(ctx context.Context, _ *Sink) error {
		close(started)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	if !errors.Is(err, gaveUp) || outcome != Filled {
		t.Errorf("%v %v", outcome, err)
	}
	if err := <-ended; !errors.Is(err, ErrAbandoned) {
		t.Errorf("the source was canceled by %v", err)
	}
}

func TestFillEndsWithItsLastReader(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	st := newSteps(Meta{Size: 100})
	first, _, err := s.Get(t.Context(), "/c", st.source)
	if err != nil {
		t.Fatal(err)
	}
	second, outcome, _ := s.Get(t.Context(), "/c", never(t))
	if outcome != Joined {
		t.Error(outcome)
	}
	first.Close()
	st.chunks <- []byte("still running")
	second.Close()
	<-st.ended
	if err := context.Cause(st.ctx); !errors.Is(err, ErrAbandoned) {
		t.Errorf("the source was canceled by %v", err)
	}
	if s.Filling("/c") {
		t.Error("a new reader would join a canceled fill")
	}
	mustFill(t, s, "/c", Meta{Size: -1}, []byte("anew"))
	mustHave(t, s, "/c", []byte("anew"))
}

func TestDetachedFillGoesOnAlone(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	detached, goOn := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-detached; cancel() }()
	_, _, err := s.Get(ctx, "/d", func(_ context.Context, k *Sink) error {
		k.Detach()
		close(detached)
		<-goOn
		return sourceOf(Meta{Size: -1}, []byte("warm"))(nil, k) //nolint:staticcheck // unused there
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(goOn)
	if err := s.Fill(t.Context(), "/d", never(t)); err != nil {
		t.Error(err)
	}
	mustHave(t, s, "/d", []byte("warm"))
}

func TestReaderFasterThanTheSourceLosesNothing(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	read := make(chan struct{})
	v, _, err := s.Get(t.Context(), "/f", func(_ context.Context, k *Sink) error {
		if err := sourceOf(Meta{Size: 4}, []byte("body"))(nil, k); err != nil { //nolint:staticcheck // unused there
			return err
		}
		<-read // all bytes were read and the view was closed before this returns
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 4)
	for n := int64(0); n < 4; {
		n, _, _ = v.Wait(t.Context(), n)
	}
	_, _ = v.ReadAt(p, 0)
	v.Close()
	close(read)
	if err := s.Fill(t.Context(), "/f", never(t)); err != nil {
		t.Error(err)
	}
	mustHave(t, s, "/f", []byte("body"))
}
