package placement

import "tandem/internal/wire"

// How much of the past is kept.
const (
	keepHistory = 500
	keepDeaths  = 100
	keepAnswers = 1000
	keepPurges  = 1000
	keepAudited = 1000
)

// record is the bounded past: what happened, what deaths cost, and what was
// answered to whom. Entries are never changed in place, so that a snapshot can
// be written while commands go on.
type record struct {
	history []wire.Event
	deaths  []wire.Receipt
	audited []wire.Audited // what operators have asked
	answers []answer
	byID    map[string]int // from ID to place in answers, counted from the first one ever
	dropped int            // answers that are no longer kept
}

type answer struct {
	ID     string `json:"id"`
	Result Result `json:"result"`
}

func newRecord() record {
	return record{history: []wire.Event{}, deaths: []wire.Receipt{}, answers: []answer{}, byID: map[string]int{}}
}

// answered is the result of an ID that was carried out.
func (r *record) answered(id string) (Result, bool) {
	i, ok := r.byID[id]
	if !ok || id == "" {
		return Result{}, false
	}
	return r.answers[i-r.dropped].Result, true
}

func (r *record) answer(id string, result Result) {
	if id == "" {
		return
	}
	r.byID[id] = r.dropped + len(r.answers)
	r.answers = append(r.answers, answer{ID: id, Result: result})
	if len(r.answers) > keepAnswers {
		delete(r.byID, r.answers[0].ID)
		r.answers = r.answers[1:]
		r.dropped++
	}
}

func (r *record) note(events []wire.Event) {
	r.history = last(append(r.history, events...), keepHistory)
}

// last is the end of a list. Appending to it makes a new list now and then, so
// what was dropped is freed and what a snapshot holds stays as it is.
func last[T any](list []T, n int) []T {
	if len(list) > n {
		return list[len(list)-n:]
	}
	return list
}
