package call

import (
	"strings"
	"time"
)

// Waiting is what an edge says of a request that it can't answer, or finish, from what it
// has (wire.HeaderWaiting): what it does, in an interim answer, or a name, in a head; and which
// edges it had asked for the object that broke off before it said so: "k2x;asks=edge-2;asks=edge-3".
type Waiting struct {
	Name string   // "": not said; of the body, where it may stand still (wire.PathWaiting)
	Asks []string // edges
}

// What an edge says in an interim answer that it does. One that is gone at its next word has
// perhaps died of what it did.
const (
	Answered = "0" // the origin has begun to answer
	Waits    = "1" // it waits, and has for a while, or begins to ask anew
	Reading  = "2" // it reads the manifest that has come
)

// waitingMost bounds the edges that one has asked: its partner, or the two that it stands in
// for, and those after an exchange.
const waitingMost = 4

// Deadly is what a balancer tells all edges when edges have died under a request: what it
// was for is asked of no origin for a while, by viewers who try again, or ahead of them.
type Deadly struct {
	Target string `json:"target"` // as the viewer asked for it, session and all
}

// DeadlyFor is how long.
const DeadlyFor = 10 * time.Second

func (w Waiting) String() string {
	text := w.Name
	for _, edge := range w.Asks[:min(len(w.Asks), waitingMost)] {
		text += ";asks=" + edge
	}
	return text
}

// ParseWaiting reads it; parameters that it does not know are passed over.
func ParseWaiting(text string) (w Waiting) {
	w.Name, text, _ = strings.Cut(text, ";")
	for text != "" && len(w.Asks) < waitingMost {
		var one string
		one, text, _ = strings.Cut(text, ";")
		if edge, ok := strings.CutPrefix(one, "asks="); ok {
			w.Asks = append(w.Asks, edge)
		}
	}
	return w
}
