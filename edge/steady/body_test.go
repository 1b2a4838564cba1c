package steady

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// pipe is a body that gives what it is given.
type pipe struct {
	*io.PipeReader
	in *io.PipeWriter
}

func newPipe() *pipe {
	r, w := io.Pipe()
	return &pipe{r, w}
}

// The rest of a body that stands still is another's, as if it were one.
func TestTheRestOfASilentBodyIsAnothers(t *testing.T) {
	first, second := newPipe(), newPipe()
	defer time.AfterFunc(20*time.Second, func() { _ = first.in.CloseWithError(errors.New("it hangs")) }).Stop() // else it is read for ever
	begun := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader("begun "), first), first}
	b := New(begun, 10*time.Millisecond, func(read int64, sum []byte) io.ReadCloser {
		if want := sha256.Sum256([]byte("begun ")); read != 6 || !bytes.Equal(sum, want[:]) {
			t.Errorf("behind %d bytes of %x", read, sum)
		}
		return second
	})
	go func() {
		_, _ = io.WriteString(second.in, "and ended")
		_ = second.in.Close()
	}()
	if all, err := io.ReadAll(b); string(all) != "begun and ended" || err != nil {
		t.Errorf("%q %v", all, err)
	}
	if read, sum := b.SoFar(); read != 15 || !bytes.Equal(sum, func() []byte { s := sha256.Sum256([]byte("begun and ended")); return s[:] }()) {
		t.Errorf("%d bytes of %x", read, sum)
	}
	if _, err := first.in.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the silent one is still read: %v", err)
	}
}

// Who goes on before the other one has anything stays, and the other one is ended.
func TestABodyThatGoesOnStays(t *testing.T) {
	first, second := newPipe(), newPipe()
	asked, goOn := make(chan struct{}), make(chan struct{})
	b := New(first, 10*time.Millisecond, func(int64, []byte) io.ReadCloser {
		close(asked)
		<-goOn
		return second
	})
	go func() {
		<-asked
		_, _ = io.WriteString(first.in, "all ")
		close(goOn)
		_, err := second.in.Write([]byte("x")) // returns when that one is closed
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the other one is read: %v", err)
		}
		_, _ = io.WriteString(first.in, "of it")
		_ = first.in.Close()
	}()
	if all, err := io.ReadAll(b); string(all) != "all of it" || err != nil {
		t.Errorf("%q %v", all, err)
	}
}

// What came in the moment in which the other one took its place is not given twice.
func TestNoByteIsGivenTwice(t *testing.T) {
	b := New(io.NopCloser(bytes.NewReader([]byte("abc"))), time.Hour, func(int64, []byte) io.ReadCloser { return nil })
	b.next = io.NopCloser(bytes.NewReader([]byte("abcdef")))
	if all, err := io.ReadAll(b); string(all) != "abcdef" || err != nil {
		t.Errorf("%q %v", all, err)
	}
}

// Where nobody has the rest the body goes on as it is, and who closes it closes all.
func TestNobodyHasTheRest(t *testing.T) {
	first := newPipe()
	asked := make(chan struct{})
	b := New(first, time.Millisecond, func(int64, []byte) io.ReadCloser { close(asked); return nil })
	go func() {
		<-asked
		_, _ = io.WriteString(first.in, "late")
		_ = b.Close()
	}()
	if all, err := io.ReadAll(b); string(all) != "late" || err == nil {
		t.Errorf("%q %v", all, err)
	}
}
