package segstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"tandem/segstore/record"
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
	mustFill(t, s, "/n", Meta{Size: 3, Fresh: record.Moment(1)}, []byte("old"))
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

// Who found a stale copy a moment before somebody else's refresh ended asks for it no second
// time, whether it waits for it or not.
func TestWhatIsFreshByNowIsNotRefreshedAgain(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	for _, fresh := range []time.Time{{}, time.Now().Add(time.Hour)} {
		mustFill(t, s, "/f", Meta{Size: 3, Fresh: record.Moment(1)}, []byte("old"))
		replace := sourceOf(Meta{Size: 3, Fresh: fresh}, []byte("new"))
		v, outcome, err := s.Freshen(t.Context(), "/f", replace)
		if err != nil || outcome != Filled {
			t.Fatal(outcome, err)
		}
		mustRead(t, v, []byte("new"))
		v.Close()
		for s.Filling("/f") {
			waitTurn(t)
		}
		s.Renew("/f", never(t))
		if v, outcome, err = s.Freshen(t.Context(), "/f", never(t)); err != nil || outcome != Hit {
			t.Fatal(outcome, err)
		}
		mustRead(t, v, []byte("new"))
		v.Close()
		s.Delete("/f")
	}
}

// What expires stays for who may have it stale; nothing that was on its way before takes its
// place, or calls it unchanged.
func TestWhatExpiresIsAskedForAnew(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	later := time.Now().Add(time.Hour)
	mustFill(t, s, "/e", Meta{Size: 3, Fresh: later}, []byte("old"))
	st := newSteps(Meta{Size: 3, Fresh: later})
	old, _, err := s.Refresh(t.Context(), "/e", st.source)
	if err != nil {
		t.Fatal(err)
	}
	s.Expire("/e")
	s.Expire("/none")
	st.chunks <- []byte("was")
	close(st.chunks)
	mustRead(t, old, []byte("was")) // by who had asked before
	old.Close()
	v, ok := s.Peek("/e")
	if !ok || v.Fresh(time.Now()) {
		t.Fatal("it is fresh, or gone")
	}
	mustRead(t, v, []byte("old"))
	v.Close()
	if _, _, err := s.Refresh(t.Context(), "/e", func(_ context.Context, k *Sink) error {
		s.Expire("/e")
		return k.Keep(Meta{Fresh: later})
	}); !errors.Is(err, ErrAbsent) {
		t.Errorf("called unchanged by an answer from before: %v", err)
	}
	v, outcome, err := s.Freshen(t.Context(), "/e", sourceOf(Meta{Size: 3, Fresh: later}, []byte("new")))
	if err != nil || outcome != Filled {
		t.Fatal(outcome, err)
	}
	mustRead(t, v, []byte("new"))
	v.Close()
}
