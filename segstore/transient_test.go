package segstore

import (
	"context"
	"testing"
)

func TestATransientObjectIsSharedAndNotStored(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/t", Meta{Size: 3}, []byte("old"))
	st := newSteps(Meta{Status: 500, Size: -1})
	source := func(ctx context.Context, k *Sink) error {
		k.Transient()
		return st.source(ctx, k)
	}
	first, _, err := s.Refresh(t.Context(), "/t", source)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, outcome, err := s.Refresh(t.Context(), "/t", never(t))
	if err != nil || outcome != Joined {
		t.Fatal(outcome, err)
	}
	defer second.Close()
	st.chunks <- []byte("sorry")
	close(st.chunks)
	mustRead(t, first, []byte("sorry"))
	mustRead(t, second, []byte("sorry"))
	for s.Filling("/t") {
		waitTurn(t)
	}
	mustHave(t, s, "/t", []byte("old"))
}

func TestRenewReplacesWithoutAnybodyWaiting(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/n", Meta{Size: 3}, []byte("old"))
	st := newSteps(Meta{Size: 3})
	s.Renew("/n", st.source)
	s.Renew("/n", never(t)) // one a key
	st.chunks <- []byte("new")
	mustHave(t, s, "/n", []byte("old"))
	close(st.chunks)
	for s.Filling("/n") {
		waitTurn(t)
	}
	mustHave(t, s, "/n", []byte("new"))
}
