package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func testDatagram() *Datagram {
	return &Datagram{
		Object: DatagramObject("/live/v0/s7.m4s", `"e"`), Offset: 1200, Total: 1207, Sent: 1_700_000_000_000, Digest: [32]byte{1, 2, 3},
		Key: "/live/v0/s7.m4s", ETag: `"e"`, Type: "video/iso.segment", Caching: "immutable",
		Changed: "Mon, 23 Nov 2026 09:00:00 GMT", Body: []byte("segment"),
	}
}

// datagrams are a sealer and an opener with one key.
func datagrams(t testing.TB) (*DatagramSealer, *DatagramOpener) {
	t.Helper()
	key := testSecret(t).DatagramKey()
	seals := NewDatagramSealer()
	seals.Use(key)
	return seals, NewDatagramOpener(func(id uint8) ([]byte, bool) { return key.Secret, id == key.ID })
}

func TestDatagramArrivesAsItWasSentAndOnlyFromTheCluster(t *testing.T) {
	seals, opens := datagrams(t)
	sent := seals.Append(nil, testDatagram())
	for i := range sent {
		forged := bytes.Clone(sent)
		forged[i] ^= 1
		if _, err := opens.Open(forged); !errors.Is(err, ErrDatagram) {
			t.Fatalf("a datagram changed at %d: %v", i, err)
		}
		if _, err := opens.Open(bytes.Clone(sent[:i])); !errors.Is(err, ErrDatagram) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
	if bytes.Contains(sent, []byte("segment")) || bytes.Contains(sent, []byte("/live/")) {
		t.Error("who hears the group reads what is in it")
	}
	// The head of one with the body of another one of the same sender.
	second := seals.Append(nil, testDatagram())
	if _, err := opens.Open(append(bytes.Clone(sent[:datagramHead]), second[datagramHead:]...)); !errors.Is(err, ErrDatagram) {
		t.Fatal("swapped bodies:", err)
	}
	got, err := opens.Open(bytes.Clone(sent))
	if err != nil || !reflect.DeepEqual(&got, testDatagram()) {
		t.Fatalf("what was forged before has changed something: %+v, %v", got, err)
	}
	other, _ := NewSecret("another secret, as long")
	strange := NewDatagramOpener(func(uint8) ([]byte, bool) { return other.DatagramKey().Secret, true })
	if _, err := strange.Open(bytes.Clone(second)); !errors.Is(err, ErrDatagram) {
		t.Fatal("another cluster's datagram:", err)
	}
}

// Each datagram counts once, in whatever order they come; no clock says which.
func TestADatagramCountsOnce(t *testing.T) {
	seals, opens := datagrams(t)
	var sent [][]byte
	for range 3 * replaySpan {
		sent = append(sent, seals.Append(nil, testDatagram()))
	}
	open := func(i int) error {
		_, err := opens.Open(bytes.Clone(sent[i]))
		return err
	}
	for _, i := range []int{5, 3, 4, 0, 900, 899, 1} {
		if err := open(i); err != nil {
			t.Errorf("number %d: %v", i, err)
		}
		if err := open(i); !errors.Is(err, ErrReplayed) {
			t.Errorf("number %d once more: %v", i, err)
		}
	}
	if err := open(2500); err != nil {
		t.Error(err)
	}
	for i, want := range map[int]error{899: ErrReplayed, 2500 - replaySpan: ErrReplayed, 2501 - replaySpan: nil, 2499: nil} {
		if err := open(i); !errors.Is(err, want) {
			t.Errorf("number %d after 2500: %v, want %v", i, err, want)
		}
	}
	// What two senders seal with one number shows nothing of either.
	one, two := NewDatagramSealer(), NewDatagramSealer()
	one.Use(testSecret(t).DatagramKey())
	two.Use(testSecret(t).DatagramKey())
	if a, b := one.Append(nil, testDatagram()), two.Append(nil, testDatagram()); bytes.Equal(a[datagramHead:datagramHead+datagramClear], b[datagramHead:datagramHead+datagramClear]) {
		t.Error("two senders hide alike")
	}
	// A start anew is another sender: its numbers begin anew, and the former ones do
	// not count again.
	again := NewDatagramSealer()
	again.Use(testSecret(t).DatagramKey())
	if _, err := opens.Open(again.Append(nil, testDatagram())); err != nil {
		t.Error("after a start anew:", err)
	}
	if err := open(2500); !errors.Is(err, ErrReplayed) {
		t.Error("of the life before:", err)
	}
}

// A key opens what it sealed as long as it is good; under another one nothing counts
// twice, and what is remembered is bounded.
func TestDatagramKeysChange(t *testing.T) {
	good := map[uint8][]byte{1: bytes.Repeat([]byte{1}, KeySize), 2: bytes.Repeat([]byte{2}, KeySize)}
	opens := NewDatagramOpener(func(id uint8) ([]byte, bool) { k, ok := good[id]; return k, ok })
	seals := NewDatagramSealer()
	if seals.Ready() {
		t.Error("ready without a key")
	}
	seals.Use(DatagramKey{1, good[1]})
	first, late := seals.Append(nil, testDatagram()), seals.Append(nil, testDatagram())
	seals.Use(DatagramKey{2, good[2]})
	second := seals.Append(nil, testDatagram())
	for what, b := range map[string][]byte{"the first key's": first, "the second key's": second} {
		if _, err := opens.Open(bytes.Clone(b)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	delete(good, 1)
	if _, err := opens.Open(bytes.Clone(late)); !errors.Is(err, ErrDatagram) {
		t.Error("of a key that is void:", err)
	}
	good[1] = bytes.Repeat([]byte{3}, KeySize) // numbers of keys come round
	if _, err := opens.Open(bytes.Clone(late)); !errors.Is(err, ErrDatagram) {
		t.Error("of a former key of that number:", err)
	}
	if _, err := opens.Open(seals.Append(nil, testDatagram())); err != nil {
		t.Fatal(err)
	}
	good[2] = bytes.Repeat([]byte{4}, KeySize) // unseen: no datagram came in between
	seals.Use(DatagramKey{2, good[2]})
	if _, err := opens.Open(seals.Append(nil, testDatagram())); err != nil {
		t.Error("another key of a number that is known:", err)
	}
	for n := range maxSenders {
		one := NewDatagramSealer()
		one.Use(DatagramKey{2, good[2]})
		if _, err := opens.Open(one.Append(nil, testDatagram())); (err == nil) != (n < maxSenders-1) {
			t.Fatalf("sender %d: %v", n+2, err)
		}
	}
	if _, err := opens.Open(seals.Append(nil, testDatagram())); err != nil {
		t.Error("a sender that is known, when no other one has room:", err)
	}
}

// The window says what a list of all that has come would say.
func TestReplayWindowAgreesWithAList(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var w replayWindow
	seen, top := map[uint64]bool{}, uint64(0)
	for range 200_000 {
		n := top + uint64(r.IntN(40))
		switch r.IntN(50) {
		case 0:
			n = top + uint64(r.IntN(3*replaySpan))
		case 1, 2, 3, 4:
			n = top - min(top, uint64(r.IntN(replaySpan+50)))
		}
		want := n != 0 && !seen[n] && n+replaySpan > top
		if got := w.fresh(n); got != want {
			t.Fatalf("number %d after %d: fresh %v, want %v", n, top, got, want)
		}
		if want {
			w.take(n)
			seen[n], top = true, max(top, n)
		}
	}
	if new(replayWindow).fresh(0) {
		t.Error("0 is no number")
	}
	if w.take(1 << 62); !w.fresh(1<<62-1) || w.fresh(1<<62) || w.fresh(top) {
		t.Error("a leap")
	}
}

func TestDatagramFitsAFrame(t *testing.T) {
	seals, opens := datagrams(t)
	for _, length := range []int{1, 100, 127, 128, 500, 900} {
		d := testDatagram()
		d.Key, d.Offset, d.Total = "/"+string(bytes.Repeat([]byte("k"), length)), 0, 1<<20
		d.Body = make([]byte, d.Room())
		if b := seals.Append(nil, d); len(b) > MaxDatagram {
			t.Errorf("key of %d: %d bytes", length, len(b))
		} else if _, err := opens.Open(b); err != nil {
			t.Errorf("key of %d: %v", length, err)
		}
	}
	if d := (&Datagram{Key: string(make([]byte, maxPath))}); d.Room() > 0 {
		t.Error("room beside the longest key:", d.Room())
	}
}

func TestDatagramThatContradictsItselfIsRefused(t *testing.T) {
	seals, opens := datagrams(t)
	for name, change := range map[string]func(*Datagram){
		"beyond its end": func(d *Datagram) { d.Offset = 1201 },
		"negative":       func(d *Datagram) { d.Offset = -1 },
		"too large":      func(d *Datagram) { d.Total = MaxDatagramObject + 1 },
		"empty":          func(d *Datagram) { d.Body = nil },
		"without a key":  func(d *Datagram) { d.Key = "" },
		"a long type":    func(d *Datagram) { d.Type = string(make([]byte, 256)) },
	} {
		d := testDatagram()
		if !d.Fits() {
			t.Fatal("the unchanged one does not fit")
		}
		change(d)
		if _, err := opens.Open(seals.Append(nil, d)); !errors.Is(err, ErrDatagram) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpenDatagram(f *testing.F) {
	seals, opens := datagrams(f)
	f.Add(testDatagram().appendClear(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := openDatagram(b)
		if err != nil {
			return
		}
		again, err := opens.Open(seals.Append(nil, &d))
		if len(b) <= MaxDatagram-datagramHead-datagramTag && (err != nil || again.Key != d.Key || !bytes.Equal(again.Body, d.Body)) {
			t.Fatalf("%+v became %+v, %v", d, again, err)
		}
	})
}

// TestNoTwoDatagramsAreSealedAlike: two that say the same show nothing of that, also where
// only the number of the key is another one.
func TestNoTwoDatagramsAreSealedAlike(t *testing.T) {
	seals, _ := datagrams(t)
	one, two := seals.Append(nil, testDatagram()), seals.Append(nil, testDatagram())
	if a, b := one[datagramHead:], two[datagramHead:]; bytes.Equal(a[:datagramClear], b[:datagramClear]) {
		t.Error("one sender hides two datagrams alike")
	}
	key := testSecret(t).DatagramKey()
	key.ID = 7
	seals.Use(key)
	if b := seals.Append(nil, testDatagram()); b[len(datagramMagic)] != 7 {
		t.Errorf("another number of the same key: %d is sent", b[len(datagramMagic)])
	}
}

// TestBuildsSealAlike: edges of the next build open what this one's origins send.
func TestBuildsSealAlike(t *testing.T) {
	seals := &DatagramSealer{sender: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	seals.Use(DatagramKey{3, bytes.Repeat([]byte{9}, KeySize)})
	var sent []byte
	for range 2 {
		sent = seals.Append(sent, testDatagram())
	}
	sum := sha256.Sum256(sent)
	if got := hex.EncodeToString(sum[:8]); got != "5b48985555e8274b" {
		t.Errorf("sealed to %s: another form needs another datagramMagic", got)
	}
}

// TestWhatFitsIsSentAndOpened, to the last byte.
func TestWhatFitsIsSentAndOpened(t *testing.T) {
	seals, opens := datagrams(t)
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		change func(d *Datagram)
		fits   bool
	}{
		"every text as long as it may be": {func(d *Datagram) { d.ETag, d.Type, d.Caching, d.Changed = long(255), long(200), long(200), long(200) }, true},
		"a longer ETag":                   {func(d *Datagram) { d.ETag = long(256) }, false},
		"a longer time":                   {func(d *Datagram) { d.Changed = long(256) }, false},
		"a long key":                      {func(d *Datagram) { d.Key = "/" + long(300) }, true},
		"no key":                          {func(d *Datagram) { d.Key = "" }, false},
		"as large as may be":              {func(d *Datagram) { d.Total = MaxDatagramObject }, true},
		"larger":                          {func(d *Datagram) { d.Total = MaxDatagramObject + 1 }, false},
		"room for one byte":               {func(d *Datagram) { d.Key = long(fillsTo(d, 1)) }, true},
		"room for none":                   {func(d *Datagram) { d.Key = long(fillsTo(d, 0)) }, false},
		"of no bytes":                     {func(d *Datagram) { d.Total = 0 }, true},
	} {
		d := testDatagram()
		d.Offset = 0
		c.change(d)
		if d.Fits() != c.fits {
			t.Errorf("%s: fits %v, with room for %d", name, !c.fits, d.Room())
		}
		if !c.fits {
			continue
		}
		d.Body = make([]byte, min(int64(d.Room()), d.Total))
		b := seals.Append(nil, d)
		if got, err := opens.Open(bytes.Clone(b)); err != nil || len(b) > MaxDatagram || got.Total != d.Total {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if longest := len(d.ETag) == 255; longest && len(b) != MaxDatagram-1 { // the key is a short one
			t.Errorf("%s: %d bytes of %d", name, len(b), MaxDatagram)
		}
	}
}

// fillsTo is the length of a key beside which there is room for so many bytes.
func fillsTo(d *Datagram, room int) int {
	return len(d.Key) + MaxDatagram - datagramFixed - texts(d) - room
}

func texts(d *Datagram) (n int) {
	for _, s := range d.texts() {
		n += len(s) + 2
	}
	return n
}

// TestVersionsOfObjectsAreToldApart: a receiver puts together what has one number.
func TestVersionsOfObjectsAreToldApart(t *testing.T) {
	seen := map[uint64]string{}
	for _, c := range [][2]string{{"/a", `"1"`}, {"/a", `"2"`}, {"/b", `"1"`}, {`/a"1"`, ""}, {"/a", ""}} {
		n := DatagramObject(c[0], c[1])
		if was, ok := seen[n]; ok || n == 0 {
			t.Errorf("%s %s is %d, as %s is", c[0], c[1], n, was)
		}
		seen[n] = c[0] + c[1]
	}
}

func TestGroupInterfaceOfANodeOnLoopback(t *testing.T) {
	for listen, loopback := range map[string]bool{"127.0.0.1:80": true, "localhost:80": true, "[::1]:80": true, "0.0.0.0:80": false, ":80": false, "192.0.2.1:80": false} {
		at, err := GroupInterface("", listen)
		if err != nil || (at != nil) != loopback {
			t.Errorf("%s: %v, %v", listen, at, err)
		}
		if at == nil {
			continue
		}
		if named, err := GroupInterface(at.Name, "0.0.0.0:80"); err != nil || named.Index != at.Index {
			t.Errorf("%s by name: %v, %v", at.Name, named, err)
		}
	}
	if _, err := GroupInterface("no-such-interface", "127.0.0.1:80"); err == nil {
		t.Error("an interface that is not there was found")
	}
}
