package budget

import (
	"fmt"
	"testing"
	"time"
)

func TestARateLimitIsForEachClientAndAMinute(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewRate(60, func() time.Time { return now })
	for range 60 {
		if !l.Left("2001:db8::1") {
			t.Fatal("less than it may")
		}
		l.Spend("2001:db8::2", 1)
	}
	if l.Left("2001:db8::3") {
		t.Fatal("more than it may, by another address of its network")
	}
	if !l.Left("2001:db8:0:1::1") {
		t.Fatal("another client pays for it")
	}
	now = now.Add(999 * time.Millisecond)
	if l.Left("2001:db8::3") {
		t.Fatal("it gets back more than one a second")
	}
	now = now.Add(10 * time.Millisecond) // less than its part of a minute: what is spent fades
	if !l.Left("2001:db8::3") {
		t.Fatal("it gets nothing back")
	}
	if unbounded := NewRate(0, func() time.Time { return now }); !unbounded.Left("a") {
		t.Fatal("0 is no limit")
	}
}

// Strangers of many addresses make it forget strangers, and not the one who is at its
// limit.
func TestARateLimitKnowsABoundedNumberOfClients(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewRate(2, func() time.Time { return now })
	l.Spend("192.0.2.1", 1)
	l.Spend("192.0.2.1", 1)
	for i := range maxRated + 1000 {
		l.Spend(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), 1)
	}
	if n := len(l.buckets); n > maxRated {
		t.Fatalf("%d clients are known", n)
	}
	if l.Left("192.0.2.1") {
		t.Fatal("the one at its limit is forgotten")
	}
}

// All who are known are above their limit: one of them is forgotten.
func TestARateLimitIsBoundedWhereAllAreAboveTheirLimit(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewRate(2, func() time.Time { return now })
	for i := range maxRated + 100 {
		l.Spend(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), 10)
	}
	if n := len(l.buckets); n > maxRated {
		t.Fatalf("%d clients are known", n)
	}
}

// Three edges count the same clients: whoever asks them in turn has one budget and not three, however
// often each is told, and by whom; it comes back as it does at one, and nobody else pays.
func TestABudgetIsOneForAllWhoCount(t *testing.T) {
	const each = 640
	now := time.Unix(1000, 0)
	var edges []*Rate
	for range 3 {
		edges = append(edges, NewRate(each, func() time.Time { return now }))
	}
	tell := func() {
		for range 3 {
			for _, e := range edges {
				sum := map[string]float64{}
				for _, other := range edges {
					for client, n := range other.Told(10) {
						if other != e {
							sum[client] += n
						}
					}
				}
				e.Heard(sum)
			}
		}
	}
	let := 0
	for range 10 * each {
		for _, e := range edges {
			if e.Left("192.0.2.1") {
				e.Spend("192.0.2.1", 1)
				let++
			}
		}
		tell()
	}
	if let < each-2 || let > each+3 {
		t.Errorf("%d of %d are let", let, each)
	}
	edges[0].Spend("192.0.2.2", 1)
	if told := edges[0].Told(10); len(told) != 1 || !edges[1].Left("192.0.2.2") {
		t.Errorf("told: %v", told)
	}
	now = now.Add(time.Minute)
	let = 0
	for range each {
		for _, e := range edges {
			if e.Left("192.0.2.1") {
				e.Spend("192.0.2.1", 1)
				let++
			}
		}
		tell()
	}
	if want := 0.632 * each; float64(let) < want-3 || float64(let) > want+3 {
		t.Errorf("%d are let after a minute; want %.0f", let, want)
	}
}

// Of many clients those are told of who have spent most, and what others tell is bounded.
func TestWhatIsToldOfClientsIsBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	l := NewRate(64, func() time.Time { return now })
	heard := map[string]float64{}
	for i := range maxRated + 100 {
		heard[fmt.Sprint("h", i)] = 2
		if i < 100 {
			l.Spend(fmt.Sprint("203.0.113.", i), i)
		}
	}
	told := l.Told(10)
	if len(told) != 10 || told["203.0.113.99"] != 99 || told["203.0.113.90"] != 90 {
		t.Errorf("told: %v", told)
	}
	l.Heard(heard)
	if n := len(l.elsewhere); n > maxRated {
		t.Errorf("%d are remembered", n)
	}
	now = now.Add(time.Minute)
	if l.Heard(nil); len(l.elsewhere) != 0 {
		t.Errorf("%d are remembered, of whom nothing counts any more", len(l.elsewhere))
	}
}
