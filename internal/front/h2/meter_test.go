package h2

import "testing"

func TestOnlyWhatAsksForNothingIsCounted(t *testing.T) {
	m := new(Meter)
	for kb := range 1 << 20 { // a GB, and both windows are opened for each KB of it, with TLS
		m.Sent(1024)
		if !m.Received(70) {
			t.Fatalf("windows, after %d KB", kb)
		}
	}
	m = new(Meter)
	for n := range 10_000 { // a large cookie each
		m.Asked(perAsk + 40_000)
		if !m.Received(40_000 + 300) {
			t.Fatalf("requests, after %d", n)
		}
	}
	m = new(Meter)
	if !m.Received(Free) || m.Received(1) {
		t.Error("what is free is not")
	}
	if m.Asked(1); m.Received(1) {
		t.Error("one byte is asked with, two have come")
	}
	if m = nil; !m.Received(2 * Free) {
		t.Error("one that counts nothing cuts off")
	}
}
