package proxy

import (
	"testing"
	"time"
)

// The budget is a tenth of the requests and ten a second, no more.
func TestRetryBudget(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newRetryBudget(now)
	take := func() (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	if n := take(); n != budgetMost {
		t.Fatalf("%d at the start", n)
	}
	now = now.Add(time.Second)
	if n := take(); n != budgetRate {
		t.Fatalf("%d after a second", n)
	}
	for range 101 {
		b.earn()
	}
	if n := take(); n != 10 {
		t.Fatalf("%d after 101 requests", n)
	}
}

// Patience is twice what is usual, within bounds, and soon learnt.
func TestHabits(t *testing.T) {
	const ms = time.Millisecond
	h := newLatencies(&Config{FirstByte: 400 * ms, Silence: 400 * ms, MaxSilence: 10 * time.Second})
	if h.limit("e", nextByte) != 400*ms || h.limit("e", growing) != 1200*ms {
		t.Fatal("not the least")
	}
	h.learn("e", nextByte, 600*ms)
	if got := h.limit("e", nextByte); got != 600*ms {
		t.Fatalf("%s after one silence of 600 ms", got)
	}
	for range 100 {
		h.learn("e", nextByte, ms)
	}
	if got := h.limit("e", nextByte); got != 400*ms {
		t.Fatalf("%s after a hundred quick ones", got)
	}
	for range 9 {
		h.learn("e", firstByte, time.Hour)
	}
	if got := h.limit("e", firstByte); got != 10*time.Second {
		t.Fatalf("%s is more than the most", got)
	}
	h.forget("e")
	if h.limit("e", firstByte) != 400*ms {
		t.Fatal("not forgotten")
	}
}
