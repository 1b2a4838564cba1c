package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func testDatagram() *Datagram {
	return &Datagram{
		Object: DatagramObject("/live/v0/s7.m4s", `"e"`), Offset: 1200, Total: 1207, Sent: 1_700_000_000_000, Digest: [32]byte{1, 2, 3},
		Key: "/live/v0/s7.m4s", ETag: `"e"`, Type: "video/iso.segment", Caching: "immutable",
		Changed: "Mon, 23 Nov 2026 09:00:00 GMT", Body: []byte("segment"),
	}
}

func TestDatagramArrivesAsItWasSentAndOnlyFromTheCluster(t *testing.T) {
	codec := testSecret(t).Datagrams()
	sent := codec.Append(nil, testDatagram())
	got, err := codec.Open(sent)
	if err != nil || !reflect.DeepEqual(&got, testDatagram()) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range sent {
		forged := bytes.Clone(sent)
		forged[i] ^= 1
		if _, err := codec.Open(forged); !errors.Is(err, ErrDatagram) {
			t.Fatalf("a datagram changed at %d: %v", i, err)
		}
		if _, err := codec.Open(sent[:i]); !errors.Is(err, ErrDatagram) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
	other, _ := NewSecret("another secret, as long")
	if _, err := other.Datagrams().Open(sent); !errors.Is(err, ErrDatagram) {
		t.Fatal("another cluster's datagram:", err)
	}
}

func TestDatagramFitsAFrame(t *testing.T) {
	codec := testSecret(t).Datagrams()
	for _, length := range []int{1, 100, 127, 128, 500, 900} {
		d := testDatagram()
		d.Key, d.Offset, d.Total = "/"+string(bytes.Repeat([]byte("k"), length)), 0, 1<<20
		d.Body = make([]byte, d.Room())
		if b := codec.Append(nil, d); len(b) > MaxDatagram {
			t.Errorf("key of %d: %d bytes", length, len(b))
		} else if _, err := codec.Open(b); err != nil {
			t.Errorf("key of %d: %v", length, err)
		}
	}
	if d := (&Datagram{Key: string(make([]byte, maxPath))}); d.Room() > 0 {
		t.Error("room beside the longest key:", d.Room())
	}
}

func TestDatagramThatContradictsItselfIsRefused(t *testing.T) {
	codec := testSecret(t).Datagrams()
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
		if _, err := codec.Open(codec.Append(nil, d)); !errors.Is(err, ErrDatagram) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpenDatagram(f *testing.F) {
	codec := testSecret(f).Datagrams()
	f.Add(codec.Append(nil, testDatagram())[len(datagramMagic)+macSize:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < datagramFixed-len(datagramMagic)-macSize {
			return
		}
		d, err := openDatagram(b)
		if err != nil {
			return
		}
		again, err := codec.Open(codec.Append(nil, &d))
		if len(b) <= MaxDatagram-len(datagramMagic)-macSize && (err != nil || again.Key != d.Key || !bytes.Equal(again.Body, d.Body)) {
			t.Fatalf("%+v became %+v, %v", d, again, err)
		}
	})
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
