package streams

import "sync"

// workersKept is how many goroutines without a request are kept, for all connections.
const workersKept = 64

// workers run handlers. A goroutine that has run one is used again: its stack has grown,
// and to grow another one costs a tenth of a small response.
type workers struct {
	calls chan func()
	ends  chan struct{} // closed when none is kept any more
	kept  chan struct{} // has one for each that is
	over  sync.Once
	all   sync.WaitGroup
}

func newWorkers() *workers {
	return &workers{calls: make(chan func()), ends: make(chan struct{}), kept: make(chan struct{}, workersKept)}
}

// run calls f in a goroutine.
func (w *workers) run(f func()) {
	select {
	case w.calls <- f:
	default:
		w.all.Add(1)
		go w.work(f)
	}
}

func (w *workers) work(f func()) {
	defer w.all.Done()
	for f != nil {
		f()
		f = w.next()
	}
}

// next waits for what to call; nil: nothing is to come.
func (w *workers) next() func() {
	select {
	case w.kept <- struct{}{}:
	default:
		return nil
	}
	defer func() { <-w.kept }()
	select {
	case f := <-w.calls:
		return f
	case <-w.ends:
		return nil
	}
}

// end waits until all have ended; nothing is called any more.
func (w *workers) end() {
	w.over.Do(func() { close(w.ends) })
	w.all.Wait()
}
