package h2

import (
	"net/http"
	"strings"
	"testing"
)

func TestOnlyWhatAsksForNothingIsCounted(t *testing.T) {
	m := new(Meter)
	for kb := range 1 << 20 { // a GB, and both windows are opened for each KB of it, with TLS
		m.Sent(1024)
		if !m.Received(70) {
			t.Fatalf("windows, after %d KB", kb)
		}
	}
	m = new(Meter)
	asks := &http.Request{Method: http.MethodGet, Header: http.Header{"Cookie": {strings.Repeat("x", 40_000)}}}
	for n := range 10_000 {
		m.Request(asks)
		if !m.Received(40_000 + 300) {
			t.Fatalf("requests, after %d", n)
		}
	}
	m = new(Meter)
	if !m.Received(Free) || m.Received(1) {
		t.Error("what is free is not")
	}
	if m.Body(1); m.Received(1) {
		t.Error("a body has one byte, two have come")
	}
	m = new(Meter)
	for n := range 10_000 {
		m.Body(16_000)
		if !m.Received(16_000 + 9 + 22) {
			t.Fatalf("a body, after %d frames", n)
		}
	}
	if m = nil; !m.Received(2 * Free) {
		t.Error("one that counts nothing cuts off")
	}
}
