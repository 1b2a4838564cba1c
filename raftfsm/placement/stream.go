package placement

import (
	"fmt"

	"tandem/internal/wire"
)

// place puts a stream on one more pair. A second time changes nothing. Streams
// are kept in the order of their names.
func place(ch *change) error {
	name := ch.c.Stream
	if name == "" || len(name) > maxStream {
		return fmt.Errorf("%w: a stream's name of %d bytes: want 1 to %d", ErrMalformed, len(name), maxStream)
	}
	q, ok := ch.before.Pair(ch.c.Pair)
	if !ok {
		return fmt.Errorf("%w pair %d", ErrUnknown, ch.c.Pair)
	}
	if q.Retiring {
		return fmt.Errorf("%w: pair %d is retiring", ErrRefused, q.ID)
	}
	have := ch.before.Stream(name)
	for _, id := range have {
		if id == q.ID {
			return nil
		}
	}
	if have == nil && ch.before.Streams.Len() >= MaxStreams {
		return fmt.Errorf("%w: %d streams are placed already", ErrLimit, MaxStreams)
	}
	pairs := append(append(make([]wire.PairID, 0, len(have)+1), have...), q.ID)
	id := ch.before.StreamID(name)
	if id == 0 {
		id = ch.streamID(ch.before, name)
	}
	ch.setStreams(ch.before.Streams.With(wire.StreamPlace{Stream: name, ID: id, Pairs: pairs}))
	ch.event(wire.Event{Pair: q.ID, Stream: name, Text: fmt.Sprintf("%s is placed on pair %d (%s, %s).", name, q.ID, q.Low, q.High)})
	return nil
}

// unplace takes a stream off one pair, or off all.
func unplace(ch *change) error {
	if ch.c.Stream == "" {
		return ch.unplaceAll()
	}
	name := ch.c.Stream
	have := ch.before.Stream(name)
	var stay []wire.PairID
	for _, id := range have {
		if ch.c.Pair != 0 && id != ch.c.Pair {
			stay = append(stay, id)
		}
	}
	if len(stay) == len(have) {
		return nil
	}
	next := ch.before.Streams.Without(name)
	if len(stay) > 0 {
		next = next.With(wire.StreamPlace{Stream: name, ID: ch.before.StreamID(name), Pairs: stay})
	}
	ch.setStreams(next)
	ch.event(wire.Event{Pair: ch.c.Pair, Stream: name, Text: fmt.Sprintf("%s is on %s now.", name, count(len(stay), "pair", "pairs"))})
	return nil
}

// unplaceAll takes several streams off all their pairs. Names that are on none change
// nothing.
func (ch *change) unplaceAll() error {
	next, gone := ch.before.Streams, []string(nil)
	for _, name := range ch.c.Streams {
		if _, placed := next.Get(name); placed {
			next, gone = next.Without(name), append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	ch.setStreams(next)
	text := gone[0] + " is on no pair now"
	if len(gone) > 1 {
		text = fmt.Sprintf("%s and %s are on no pair now", gone[0], count(len(gone)-1, "other stream", "other streams"))
	}
	ch.event(wire.Event{Text: fmt.Sprintf("%s%s.", text, ch.by())})
	return nil
}

// setStreams replaces the streams alone: everything else is shared, the look-up
// tables too, so that placing one stream among many costs what one stream costs.
func (ch *change) setStreams(streams wire.Streams) {
	next := *ch.before
	next.Streams = streams
	ch.next = &next
}
