package fair

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// served takes all, each of them for what its client's take, and says in which order.
func served(q *Queue[string, string], cost map[string]time.Duration) string {
	var order []string
	for {
		one, of, ok := q.Take()
		if !ok {
			return strings.Join(order, " ")
		}
		order = append(order, one)
		q.Spent(of, cost[of.client])
	}
}

func TestWhoWasGivenLeastGoesFirst(t *testing.T) {
	q := New[string, string]()
	many, few, dear := q.Of("many"), q.Of("few"), q.Of("dear")
	for i := range 5 {
		q.Put(many, fmt.Sprint("m", i))
	}
	q.Put(dear, "d0")
	q.Put(dear, "d1")
	q.Put(few, "f0")
	cost := map[string]time.Duration{"many": 1, "few": 1, "dear": 3}
	if got, want := served(q, cost), "m0 d0 f0 m1 m2 m3 d1 m4"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if q.Len() != 0 {
		t.Errorf("%d wait at the end", q.Len())
	}
	// Who has waited for nothing has saved up nothing, and owes nothing.
	for i := range 3 {
		q.Put(few, fmt.Sprint("f", i))
		q.Put(many, fmt.Sprint("m", i))
	}
	if got, want := served(q, cost), "f0 f1 m0 m1 f2 m2"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

func TestWhoHasLeftIsForgotten(t *testing.T) {
	q := New[int, string]()
	f := q.Of(1)
	if q.Of(1) != f {
		t.Error("one client has two lines")
	}
	q.Put(f, "a")
	q.Leave(f)
	q.Leave(f)
	_, of, _ := q.Take()
	q.Spent(of, 1)
	g := q.Of(2)
	q.Leave(g)
	if len(q.flows) != 0 {
		t.Errorf("%d clients are kept", len(q.flows))
	}
}

// While two wait neither is given more than the other by more than the dearest thing that either
// has asked for; and each client's own come in order.
func TestClientsThatWaitAreGivenAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most, clients = 20, 5
		q := New[int, int]()
		var flows [clients]*Flow[int, int]
		var put, taken [clients]int
		for i := range flows {
			flows[i] = q.Of(i)
		}
		var given [clients]time.Duration // since all came to wait
		for i := range flows {
			for range 200 {
				q.Put(flows[i], put[i])
				put[i]++
			}
		}
		for range rapid.IntRange(1, 200).Draw(t, "taken") {
			one, of, ok := q.Take()
			if !ok {
				t.Fatal("nobody waits")
			}
			i := of.client
			if one != taken[i] {
				t.Fatalf("client %d: %d came in place of %d", i, one, taken[i])
			}
			taken[i]++
			d := time.Duration(rapid.IntRange(1, most).Draw(t, "cost"))
			given[i] += d
			q.Spent(of, d)
			for a := range given {
				if given[i]-given[a] > most {
					t.Fatalf("one was given %d, another %d", given[i], given[a])
				}
			}
			if rapid.Bool().Draw(t, "more") {
				q.Put(of, put[i])
				put[i]++
			}
		}
	})
}
