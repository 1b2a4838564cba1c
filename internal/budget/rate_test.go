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
	now = now.Add(time.Millisecond)
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
