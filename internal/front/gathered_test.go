package front

import (
	"errors"
	"os"
	"testing"
	"time"
)

// reluctant takes so many bytes before each deadline, and then no more.
type reluctant struct {
	takes []int
	got   int
}

func (r *reluctant) SetWriteDeadline(time.Time) error { return nil }

func (r *reluctant) Write(b []byte) (int, error) {
	n := min(r.takes[0], len(b))
	r.takes = r.takes[1:]
	if r.got += n; n < len(b) {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

// A client that takes some of it in the time that it has is given the rest, however long that
// lasts; one that takes nothing is not.
func TestWhoTakesSomethingIsWaitedFor(t *testing.T) {
	slow := &reluctant{takes: []int{1, 10, 1, 1000}}
	if err := writeWhile(slow, make([]byte, 100), time.Second); err != nil || slow.got != 100 {
		t.Errorf("%v after %d bytes", err, slow.got)
	}
	stuck := &reluctant{takes: []int{1, 0, 1000}}
	if err := writeWhile(stuck, make([]byte, 100), time.Second); !errors.Is(err, os.ErrDeadlineExceeded) || stuck.got != 1 {
		t.Errorf("%v after %d bytes", err, stuck.got)
	}
}
