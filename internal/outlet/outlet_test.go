package outlet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Who reads nothing is not waited for; what was taken are whole lines, and it goes on
// where it stood when there is a reader.
func TestNobodyIsWaitedForForEver(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var all bytes.Buffer
	for i := range 4000 {
		fmt.Fprintf(&all, "line %d %0*d\n", i, i%97, 0)
	}
	n, err := Write(w, all.Bytes(), 0)
	if !errors.Is(err, ErrStuck) || n == 0 || n == all.Len() || all.Bytes()[n-1] != '\n' {
		t.Fatalf("%d of %d bytes, %v", n, all.Len(), err)
	}
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(bufio.NewReader(io.LimitReader(r, int64(all.Len()))))
		got <- b
	}()
	if rest, err := Write(w, all.Bytes()[n:], time.Minute); err != nil || n+rest != all.Len() {
		t.Fatalf("%d more, %v", rest, err)
	}
	if b := <-got; !bytes.Equal(b, all.Bytes()) {
		t.Errorf("%d bytes arrived, and are not what was written", len(b))
	}
}

// Who reads no more is told of at once, and a file on a disk takes all in one piece.
func TestWhoIsGoneIsNoticed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if _, err := Write(w, []byte("line\n"), time.Minute); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v", err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := Write(f, make([]byte, 1<<20), 0); n != 1<<20 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
