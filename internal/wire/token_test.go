package wire

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

var now = time.Unix(1_800_000_000, 0)

func sample() Token {
	return Token{SessionID: SessionID{Pair: 7, Slot: 4711, Generation: 0xdeadbeef}, Stream: 0x123456789abcdef0, Scope: 3, Expires: now.Unix() + 60}
}

// keysOf are keys whose secrets are a byte many times; the last one seals.
func keysOf(version uint64, secrets ...byte) Keys {
	k := Keys{Version: version}
	for _, b := range secrets {
		k.Tokens.Keys = append(k.Tokens.Keys, Key{ID: b, Secret: []byte(strings.Repeat(string(rune(b)), KeySize))})
		k.Tokens.Sealing = b
	}
	return k
}

func ringOf(k Keys) *KeyRing {
	r := new(KeyRing)
	r.Take(k)
	return r
}

func seal(t testing.TB, r *KeyRing, token Token) string {
	t.Helper()
	text, ok := r.Seal(token)
	if !ok {
		t.Fatal("not sealed")
	}
	return text
}

func TestTokenSaysWhatWasSealedAndNothingElse(t *testing.T) {
	r := ringOf(keysOf(1, 1))
	for _, token := range []Token{sample(), {SessionID: SessionID{Pair: math.MaxUint32, Slot: maxTokenSlot, Generation: math.MaxUint32}, Stream: math.MaxUint64, Scope: 255, Expires: math.MaxUint32}} {
		text := seal(t, r, token)
		if len(text) != TokenLength {
			t.Fatalf("token of %d characters, want %d", len(text), TokenLength)
		}
		got, err := r.Verify(text, now)
		if peeked, ok := PeekToken(text); err != nil || got != token || !ok || peeked != token {
			t.Fatalf("got %+v, %v; %+v", got, err, peeked)
		}
		for i := range text {
			forged := []byte(text)
			forged[i] ^= 1
			if _, err := r.Verify(string(forged), now); err == nil {
				t.Fatalf("a token changed at %d was accepted", i)
			}
		}
	}
	text := seal(t, r, sample())
	if _, err := ringOf(keysOf(1, 1, 2)).Verify(text, now); err != nil {
		t.Fatal("among other keys:", err)
	}
	other := keysOf(1, 1)
	other.Tokens.Keys[0].Secret = make([]byte, KeySize)
	if _, err := ringOf(other).Verify(text, now); !errors.Is(err, ErrTokenForeign) {
		t.Fatalf("another cluster's token: %v", err)
	}
	if got, err := r.Verify(text, now.Add(time.Hour)); !errors.Is(err, ErrTokenExpired) || got != sample() {
		t.Fatalf("an expired token: %+v, %v", got, err)
	}
	if _, ok := r.Seal(Token{SessionID: SessionID{Slot: maxTokenSlot + 1}}); ok {
		t.Fatal("a slot that a token has no room for")
	}
}

// Another text for the same session would be another address to everybody who
// caches or counts addresses.
func TestTokenHasOneSpelling(t *testing.T) {
	r := ringOf(keysOf(1, 1))
	text := seal(t, r, sample())
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.\n\r "
	for i := range text {
		for _, c := range alphabet {
			spelled := text[:i] + string(c) + text[i+1:]
			if _, err := r.Verify(spelled, now); err == nil && spelled != text {
				t.Fatalf("%q is accepted for %q", spelled, text)
			}
		}
	}
	for _, spelled := range []string{text + "=", text + "\n", "\n" + text, text[:10] + "\r\n" + text[10:], strings.ToUpper(text), ""} {
		if _, err := r.Verify(spelled, now); !errors.Is(err, ErrTokenForm) {
			t.Errorf("%q: %v", spelled, err)
		}
	}
}

// While keys change a token is opened by whoever has its key, sealed with which
// one it may be.
func TestKeysChangeUnderTokens(t *testing.T) {
	ahead, behind := ringOf(keysOf(1, 1)), ringOf(keysOf(1, 1))
	first := seal(t, ahead, sample())
	known := keysOf(2, 1, 2)
	known.Tokens.Sealing = 1 // made known, not sealing yet
	ahead.Take(known)
	if second := seal(t, ahead, sample()); second != first {
		t.Fatal("a key seals before it is to")
	}
	ahead.Take(keysOf(3, 1, 2))
	second := seal(t, ahead, sample())
	if _, err := behind.Verify(second, now); !errors.Is(err, ErrTokenKey) {
		t.Fatal("a key that is on its way:", err)
	}
	changed := behind.Changed()
	behind.Take(keysOf(3, 1, 2))
	<-changed
	for _, text := range []string{first, second} {
		for _, r := range []*KeyRing{ahead, behind} {
			if _, err := r.Verify(text, now); err != nil {
				t.Error(err)
			}
		}
	}
	behind.Take(keysOf(2, 7)) // from a balancer that is behind
	if behind.Version() != 3 {
		t.Error("older keys were taken")
	}
	ahead.Take(keysOf(4, 2))
	if _, err := ahead.Verify(first, now); !errors.Is(err, ErrTokenKey) {
		t.Error("a key that was dropped:", err)
	}
	var empty KeyRing
	if _, ok := empty.Seal(sample()); ok || empty.Version() != 0 {
		t.Error("sealed without a key")
	}
}

func TestTokenIsVerifiedWithoutAllocation(t *testing.T) {
	r := ringOf(keysOf(1, 1))
	text := seal(t, r, sample())
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.Verify(text, now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzVerify(f *testing.F) {
	r := ringOf(keysOf(1, 1))
	f.Add(seal(f, r, sample()))
	f.Fuzz(func(t *testing.T, text string) {
		if token, err := r.Verify(text, now); err == nil && seal(t, r, token) != text {
			t.Fatalf("%q verified as %+v", text, token)
		}
	})
}

func TestStreamIsNamedByTheFolderOfItsEntry(t *testing.T) {
	for target, want := range map[string]string{
		"/live/one/a.m3u8": "/live/one/", "/live/one/a.m3u8?x=/y/": "/live/one/", "/a.mpd": "/", "/live//a.m3u8": "/live//", "/a%2Fb/c": "/a%2Fb/",
	} {
		if got := StreamName(target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	long := "/" + strings.Repeat("x", 3000) + "/"
	a, b := StreamName(long+"a.m3u8"), StreamName(long[:len(long)-2]+"y/a.m3u8")
	if len(a) != maxStreamName || a == b || a != StreamName(long+"b.m3u8") || !strings.HasSuffix(a, "/") {
		t.Errorf("%d %d characters", len(a), len(b))
	}
}
