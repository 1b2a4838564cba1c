package lb

import (
	"fmt"
	"testing"
	"time"
)

func TestARateLimitIsForEachClientAndAMinute(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newRateLimit(60, func() time.Time { return now })
	for range 60 {
		if !l.left("2001:db8::1") {
			t.Fatal("less than it may")
		}
		l.spend("2001:db8::2")
	}
	if l.left("2001:db8::3") {
		t.Fatal("more than it may, by another address of its network")
	}
	if !l.left("2001:db8:0:1::1") {
		t.Fatal("another client pays for it")
	}
	now = now.Add(999 * time.Millisecond)
	if l.left("2001:db8::3") {
		t.Fatal("it gets back more than one a second")
	}
	now = now.Add(time.Millisecond)
	if !l.left("2001:db8::3") {
		t.Fatal("it gets nothing back")
	}
	if unbounded := newRateLimit(0, func() time.Time { return now }); !unbounded.left("a") {
		t.Fatal("0 is no limit")
	}
}

// Strangers of many addresses make it forget strangers, and not the one who is at its
// limit.
func TestARateLimitKnowsABoundedNumberOfClients(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newRateLimit(2, func() time.Time { return now })
	l.spend("192.0.2.1")
	l.spend("192.0.2.1")
	for i := range maxRated + 1000 {
		l.spend(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff))
	}
	if n := len(l.buckets); n > maxRated {
		t.Fatalf("%d clients are known", n)
	}
	if l.left("192.0.2.1") {
		t.Fatal("the one at its limit is forgotten")
	}
}
