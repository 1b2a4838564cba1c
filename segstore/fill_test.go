package segstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"tandem/segstore/record"
)

// steps is a source that goes on only when told: each send on go_ is a chunk.
type steps struct {
	meta   Meta
	chunks chan []byte // closed: the body is complete
	begun  chan struct{}
	ended  chan struct{}
	fail   error // returned after the last chunk
	ctx    context.Context
}

func newSteps(m Meta) *steps {
	return &steps{meta: m, chunks: make(chan []byte), begun: make(chan struct{}), ended: make(chan struct{})}
}

func (st *steps) source(ctx context.Context, sink *Sink) error {
	defer close(st.ended)
	if err := sink.Begin(st.meta); err != nil {
		return err
	}
	st.ctx = ctx
	close(st.begun)
	for {
		select {
		case chunk, more := <-st.chunks:
			if !more {
				return st.fail
			}
			if _, err := sink.Write(chunk); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestManyReadersShareOneFill(t *testing.T) {
	for _, volatile := range []bool{false, true} {
		t.Run(fmt.Sprint("volatile ", volatile), func(t *testing.T) {
			s := openStore(t, t.TempDir(), Options{})
			body := bodyOf("/seg", 1<<20)
			st := newSteps(Meta{Size: int64(len(body)), Volatile: volatile})
			var readers sync.WaitGroup
			join := func() {
				readers.Go(func() {
					v, _, err := s.Get(t.Context(), "/seg", st.source)
					if err != nil {
						t.Error(err)
						return
					}
					defer v.Close()
					mustRead(t, v, body)
				})
			}
			for i := range 64 {
				join()
				if i%2 == 0 { // some start in the middle
					st.chunks <- body[i<<14 : (i+1)<<14]
					st.chunks <- body[(i+1)<<14 : (i+2)<<14]
				}
			}
			close(st.chunks)
			readers.Wait()
			stats := s.Stats()
			if stats.Fills != 1 || stats.Misses != 1 || stats.Joined+stats.Hits != 63 || stats.Objects != 1 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestReaderFollowsAGrowingObject(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	st := newSteps(Meta{Size: -1, ETag: `"g"`})
	v, outcome, err := s.Get(t.Context(), "/g", st.source)
	if err != nil || outcome != Filled {
		t.Fatal(outcome, err)
	}
	defer v.Close()
	if v.Complete() || v.Size() != -1 || v.Meta().ETag != `"g"` || !s.Filling("/g") || s.Has("/g") {
		t.Error("it is not growing")
	}
	if _, err := v.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrGrowing) {
		t.Errorf("nothing is there: %v", err)
	}
	st.chunks <- []byte("abc")
	if n, done, err := v.Wait(t.Context(), 0); n != 3 || done || err != nil {
		t.Errorf("%d %v %v", n, done, err)
	}
	p := make([]byte, 10)
	if n, err := v.ReadAt(p, 1); n != 2 || err != nil || string(p[:2]) != "bc" {
		t.Errorf("%d %v", n, err)
	}
	late, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gone"))
	if _, _, err := v.Wait(late, 3); err == nil || err.Error() != "gone" {
		t.Errorf("a canceled wait: %v", err)
	}
	st.chunks <- []byte("d")
	close(st.chunks)
	if digest, err := v.Digest(t.Context()); err != nil || digest != digestOf([]byte("abcd")) {
		t.Errorf("%s %v", digest, err)
	}
	if n, done, err := v.Wait(t.Context(), 4); n != 4 || !done || err != nil || v.Size() != 4 {
		t.Errorf("%d %v %v", n, done, err)
	}
	if n, err := v.ReadAt(p, 1); n != 3 || !errors.Is(err, io.EOF) {
		t.Errorf("%d %v", n, err)
	}
}

func TestErrorBeforeBeginReachesAllWhoWait(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	boom := errors.New("origin is down")
	open := make(chan struct{})
	var waiters sync.WaitGroup
	for range 10 {
		waiters.Go(func() {
			_, _, err := s.Get(t.Context(), "/x", func(context.Context, *Sink) error { <-open; return boom })
			if !errors.Is(err, boom) {
				t.Errorf("got %v", err)
			}
		})
	}
	for s.Stats().Misses+s.Stats().Joined < 10 { // until all wait
		waitTurn(t)
	}
	close(open)
	waiters.Wait()
	if stats := s.Stats(); stats.Fills != 1 || stats.FillErrors != 1 || s.Filling("/x") {
		t.Errorf("%+v", stats)
	}
	mustFill(t, s, "/x", Meta{Size: -1}, []byte("now"))
	for name, bad := range map[error]Source{
		ErrNoBegin:  func(context.Context, *Sink) error { return nil },
		ErrPanic:    func(context.Context, *Sink) error { panic("bug") },
		ErrOrder:    func(_ context.Context, k *Sink) error { _, err := k.Write([]byte("x")); return err },
		ErrTooLarge: sourceOf(Meta{Size: 1 << 40}, nil),
	} {
		if err := s.Fill(t.Context(), "/bad", bad); !errors.Is(err, name) {
			t.Errorf("want %v, got %v", name, err)
		}
	}
}

func TestErrorAfterBeginBreaksAtTheByteReached(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	st := newSteps(Meta{Size: 10})
	st.fail = errors.New("origin reset")
	v, _, err := s.Get(t.Context(), "/b", st.source)
	if err != nil {
		t.Fatal(err)
	}
	st.chunks <- []byte("half")
	close(st.chunks)
	<-st.ended
	got, err := io.ReadAll(v.Reader(t.Context(), 0))
	if string(got) != "half" || !errors.Is(err, ErrBroken) || !errors.Is(err, st.fail) {
		t.Errorf("read %q, then %v", got, err)
	}
	if s.Has("/b") || s.Filling("/b") {
		t.Error("a broken object is reachable")
	}
	if n := len(bodyFiles(t, s.dir)); n != 1 {
		t.Errorf("%d files while it is read", n)
	}
	v.Close()
	for by := time.Now().Add(10 * time.Second); s.Stats().FillErrors == 0 || len(bodyFiles(t, s.dir)) > 0; { // its fill ends by itself
		if time.Now().After(by) {
			t.Fatalf("%d files, %+v", len(bodyFiles(t, s.dir)), s.Stats())
		}
		time.Sleep(time.Millisecond)
	}
	if s.Stats().Bytes != 0 {
		t.Errorf("%+v", s.Stats())
	}
}

func TestNobodyReadsAWrongBodyToItsEnd(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	v, _, err := s.Get(t.Context(), "/w", sourceOf(Meta{Size: 5, Digest: digestOf([]byte("right"))}, []byte("wrong")))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	got, err := io.ReadAll(v.Reader(t.Context(), 0))
	if len(got) >= 5 || !errors.Is(err, ErrDigest) {
		t.Errorf("read %d of 5 bytes, then %v", len(got), err)
	}
	err = s.Fill(t.Context(), "/w", func(_ context.Context, k *Sink) error {
		_ = k.Begin(Meta{Size: -1})
		_, _ = k.Write([]byte("body"))
		k.Expect(digestOf([]byte("trailer")))
		return nil
	})
	if !errors.Is(err, ErrDigest) || s.Has("/w") {
		t.Errorf("a wrong trailer: %v", err)
	}
}

func TestDeleteDuringAFillStoresNothing(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	st := newSteps(Meta{Size: -1})
	v, _, err := s.Get(t.Context(), "/d", st.source)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if n := s.DeletePrefix("/"); n != 1 {
		t.Errorf("deleted %d", n)
	}
	mustFill(t, s, "/d", Meta{Size: -1}, []byte("new"))
	st.chunks <- []byte("old")
	close(st.chunks)
	mustRead(t, v, []byte("old"))
	mustHave(t, s, "/d", []byte("new"))
}

func TestRefreshServesTheOldUntilTheNewIsComplete(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/r", Meta{Size: -1, ETag: `"1"`}, []byte("one"))
	old, _ := s.Peek("/r")
	st := newSteps(Meta{Size: -1, ETag: `"2"`})
	fresh, outcome, err := s.Refresh(t.Context(), "/r", st.source)
	if err != nil || outcome != Filled {
		t.Fatal(outcome, err)
	}
	st.chunks <- []byte("t")
	mustHave(t, s, "/r", []byte("one"))
	st.chunks <- []byte("wo")
	close(st.chunks)
	mustRead(t, fresh, []byte("two"))
	fresh.Close()
	mustRead(t, old, []byte("one"))
	old.Close()
	mustHave(t, s, "/r", []byte("two"))
	for len(bodyFiles(t, s.dir)) != 1 { // the fill holds the old one to its end
		waitTurn(t)
	}
}

func TestRefreshMayKeepWhatIsThere(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	mustFill(t, s, "/k", Meta{Size: -1, ETag: `"1"`}, []byte("one"))
	fresh := record.Moment(1_900_000_000_000_000_000)
	v, _, err := s.Refresh(t.Context(), "/k", func(_ context.Context, k *Sink) error {
		if m, ok := k.Stale(); !ok || m.ETag != `"1"` {
			t.Errorf("stale is %+v", m)
		}
		return k.Keep(Meta{Fresh: fresh})
	})
	if err != nil {
		t.Fatal(err)
	}
	if !v.Meta().Fresh.Equal(fresh) || !v.Complete() {
		t.Errorf("%+v", v.Meta())
	}
	mustRead(t, v, []byte("one"))
	v.Close()
	_, _, err = s.Refresh(t.Context(), "/k", func(_ context.Context, k *Sink) error {
		s.Delete("/k")
		return k.Keep(Meta{})
	})
	if !errors.Is(err, ErrAbsent) {
		t.Errorf("kept what was deleted: %v", err)
	}
}

func TestPutIsJoinedOrGoesBesideAFill(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	body := bodyOf("/p", 3000)
	in, out := io.Pipe()
	var put sync.WaitGroup
	put.Go(func() {
		if err := s.Put("/p", Meta{Size: 3000}, in); err != nil {
			t.Error(err)
		}
	})
	_, _ = out.Write(body[:1])
	v, outcome, err := s.Get(t.Context(), "/p", never(t))
	if err != nil || outcome != Joined {
		t.Fatal(outcome, err)
	}
	_, _ = out.Write(body[1:])
	_ = out.Close()
	mustRead(t, v, body)
	v.Close()
	put.Wait()

	st := newSteps(Meta{Size: -1})
	v, _, err = s.Get(t.Context(), "/q", st.source)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := s.Put("/q", Meta{Size: 3000}, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	mustHave(t, s, "/q", body)
	st.chunks <- []byte("from the origin")
	close(st.chunks)
	mustRead(t, v, []byte("from the origin"))
	for s.Filling("/q") {
		waitTurn(t) // who has read the last byte may be faster than the fill
	}
}

func TestCloseEndsFills(t *testing.T) {
	s := openStore(t, t.TempDir(), Options{})
	st := newSteps(Meta{Size: 100})
	v, _, err := s.Get(t.Context(), "/c", st.source)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := v.Wait(t.Context(), 0); !errors.Is(err, ErrBroken) || !errors.Is(err, ErrClosed) {
		t.Errorf("its reader got %v", err)
	}
	v.Close()
}
