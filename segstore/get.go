package segstore

import "context"

// Outcome says how Get came by its view.
type Outcome int

// Outcomes of Get and Refresh.
const (
	Hit    Outcome = iota // a complete copy was there
	Joined                // a fill was running
	Filled                // this call started the fill
)

func (o Outcome) String() string {
	return [...]string{"hit", "joined", "filled"}[o]
}

// Get returns a view of the complete copy, fresh or not, or of what is being
// filled, starting source if nothing is. It waits until the source has called
// Begin. The caller closes the view.
func (s *Store) Get(ctx context.Context, key Key, source Source) (*View, Outcome, error) {
	return s.get(ctx, key, source, nil)
}

// Refresh is Get when the complete copy will not do: it joins or starts a fill,
// at whose end the copy is replaced; until then Get and Peek return the old one.
// The source may find that nothing has changed: Sink.Stale and Sink.Keep.
func (s *Store) Refresh(ctx context.Context, key Key, source Source) (*View, Outcome, error) {
	return s.get(ctx, key, source, none)
}

// Freshen is Refresh for who found a copy that was no longer fresh: what somebody else's
// refresh has put in its place since is a hit, and asked for no second time.
func (s *Store) Freshen(ctx context.Context, key Key, source Source) (*View, Outcome, error) {
	return s.get(ctx, key, source, s.fresh)
}

// none is for whom no copy will do, fresh for whom any fresh one will.
func none(*object) bool { return false }

func (s *Store) fresh(o *object) bool {
	m := o.meta.Load()
	return m.Fresh.IsZero() || s.opt.Now().Before(m.Fresh)
}

func (s *Store) get(ctx context.Context, key Key, source Source, does func(*object) bool) (*View, Outcome, error) {
	if err := checkKey(key); err != nil {
		return nil, Hit, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, Hit, err
	}
	if does == nil {
		if v, ok := s.Peek(key); ok {
			return v, Hit, nil
		}
	}
	shard := s.shard(key)
	shard.mu.Lock()
	if s.closed.Load() {
		shard.mu.Unlock()
		return nil, Hit, ErrClosed
	}
	if o := shard.objects[key]; o != nil && (does == nil || does(o) && o.proven.Load()) { // completed just now
		o.acquire()
		shard.mu.Unlock()
		return s.hit(o), Hit, nil
	}
	f, outcome := shard.fills[key], Joined
	if f == nil {
		f, outcome = s.newFill(shard, key), Filled
		s.begin(f, source)
	} else {
		s.count.joined.Add(1)
	}
	f.join()
	shard.mu.Unlock()
	v, err := f.await(ctx)
	return v, outcome, err
}

// Renew starts a refresh that nobody waits for, unless a fill of the key runs or the copy is
// fresh by now.
func (s *Store) Renew(key Key, source Source) {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if s.closed.Load() || shard.fills[key] != nil || checkKey(key) != nil {
		return
	}
	if o := shard.objects[key]; o != nil && s.fresh(o) {
		return
	}
	f := s.newFill(shard, key)
	f.detached = true
	s.begin(f, source)
}

// Detach lets the fill of a key that runs go on, though nobody may wait for it any more.
func (s *Store) Detach(key Key) {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if f := shard.fills[key]; f != nil {
		f.detached = true
	}
}

// begin runs a new fill; called with its shard's mutex held.
func (s *Store) begin(f *fill, source Source) {
	f.shard.fills[f.key] = f
	s.fills.Add(1)
	go func() {
		defer s.fills.Done()
		_ = f.run(source) // those who wait have it
	}()
	s.count.misses.Add(1)
	s.count.fills.Add(1)
}

// Peek returns a view of the complete copy, fresh or not, and starts nothing. A copy
// that was found at the start is read whole the first time and compared with its
// digest: the disk may have changed it while nobody looked.
func (s *Store) Peek(key Key) (*View, bool) {
	v, ok := s.Glance(key)
	if !ok || v.Proven() {
		return v, ok
	}
	if err := v.object.prove(); err != nil {
		s.discard(v.object, err)
		v.Close()
		return nil, false
	}
	return v, true
}

// Glance is Peek for who reads no body, or must not wait for the disk: what View.Proven
// does not vouch for is not to be given to anybody.
func (s *Store) Glance(key Key) (*View, bool) {
	shard := s.shard(key)
	shard.mu.Lock()
	o := shard.objects[key]
	if o == nil || s.closed.Load() {
		shard.mu.Unlock()
		return nil, false
	}
	o.acquire()
	shard.mu.Unlock()
	// A copy that was found at the start may have lost its file since.
	if err := o.checkSize(); err != nil {
		s.discard(o, err)
		o.release()
		return nil, false
	}
	return s.hit(o), true
}

func (s *Store) hit(o *object) *View {
	s.count.hits.Add(1)
	o.touch(s.opt.Now())
	return &View{object: o}
}

// Has says whether there is a complete copy.
func (s *Store) Has(key Key) bool {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	return shard.objects[key] != nil
}

// Filling says whether a fill is running that Get or Refresh would join.
func (s *Store) Filling(key Key) bool {
	shard := s.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	return shard.fills[key] != nil
}

// Growing returns a view of what a running fill has begun, and starts nothing.
func (s *Store) Growing(key Key) (*View, bool) {
	shard := s.shard(key)
	shard.mu.Lock()
	f := shard.fills[key]
	if f == nil || f.object == nil || s.closed.Load() {
		shard.mu.Unlock()
		return nil, false
	}
	f.join()
	o := f.object
	shard.mu.Unlock()
	return &View{object: o, fill: f}, true
}

// Fill is Get for somebody who does not want to read: it returns when the object
// is complete, or why it is not.
func (s *Store) Fill(ctx context.Context, key Key, source Source) error {
	v, _, err := s.Get(ctx, key, source)
	if err != nil {
		return err
	}
	defer v.Close()
	return v.finish(ctx)
}
