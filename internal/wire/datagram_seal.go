package wire

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// DatagramKey is a key that seals datagrams. ID 0 is made of the cluster's secret,
// where nodes have no names; the others are the cluster's own (ForDatagrams).
type DatagramKey struct {
	ID     uint8
	Secret []byte
}

// DatagramKey is the key that the secret makes.
func (s Secret) DatagramKey() DatagramKey { return DatagramKey{0, s.Key("datagram")} }

// maxSenders bounds the lives of origins that are known under one key. None is
// forgotten before its key: what it sent could come again.
const maxSenders = 1024

// senderCipher is what one life of a sender seals with: a key of its own, so that a
// number is never used twice with one (NIST SP 800-38D, section 8).
func senderCipher(secret []byte, sender [8]byte) cipher.AEAD {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("tandem sender "))
	mac.Write(sender[:])
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	sealed, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return sealed
}

// nonceOf is the number of a datagram, as AES-GCM wants it.
func nonceOf(number uint64) (nonce [12]byte) {
	binary.BigEndian.PutUint64(nonce[4:], number)
	return nonce
}

// DatagramSealer seals what this process sends to a group, which is open to everybody
// in the network: with AES-256-GCM, each datagram with a number of its own. Safe for
// many goroutines.
type DatagramSealer struct {
	sender [8]byte // drawn: another one at each start
	number atomic.Uint64

	mu     sync.Mutex
	key    DatagramKey // guarded by mu
	cipher cipher.AEAD // guarded by mu; what it points to never changes; nil: there is no key
}

// NewDatagramSealer makes one, without a key.
func NewDatagramSealer() *DatagramSealer {
	s := new(DatagramSealer)
	_, _ = rand.Read(s.sender[:]) // never fails: it ends the process first
	return s
}

// Use makes a key the one that seals from now on.
func (s *DatagramSealer) Use(k DatagramKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cipher != nil && s.key.ID == k.ID && bytes.Equal(s.key.Secret, k.Secret) {
		return
	}
	s.key, s.cipher = k, senderCipher(k.Secret, s.sender)
}

// Ready tells whether there is a key.
func (s *DatagramSealer) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cipher != nil
}

// Append writes the datagram; there has to be a key.
func (s *DatagramSealer) Append(b []byte, d *Datagram) []byte {
	s.mu.Lock()
	id, sealed := s.key.ID, s.cipher
	s.mu.Unlock()
	number, start := s.number.Add(1), len(b)
	b = append(append(append(b, datagramMagic...), id), s.sender[:]...)
	b = binary.BigEndian.AppendUint64(b, number)
	head := len(b)
	b = d.appendClear(b)
	nonce := nonceOf(number)
	return sealed.Seal(b[:head], nonce[:], b[head:], b[start:head])
}

// DatagramOpener opens datagrams of the cluster, each once. It belongs to one
// goroutine.
type DatagramOpener struct {
	keys  func(id uint8) (secret []byte, ok bool) // those that are good now
	known map[uint8]*openingKey
}

// openingKey is a key and who has sent with it.
type openingKey struct {
	secret  []byte
	senders map[[8]byte]*sender
}

// sender is one life of an origin.
type sender struct {
	cipher cipher.AEAD
	window replayWindow
}

// NewDatagramOpener makes one that asks for its keys at each datagram.
func NewDatagramOpener(keys func(id uint8) (secret []byte, ok bool)) *DatagramOpener {
	return &DatagramOpener{keys, map[uint8]*openingKey{}}
}

// Open reads a datagram and proves that an origin of this cluster has sent it, and that
// it has not come before. b is written over; Body is a part of it.
func (o *DatagramOpener) Open(b []byte) (Datagram, error) {
	if len(b) < datagramFixed || len(b) > MaxDatagram || string(b[:len(datagramMagic)]) != datagramMagic {
		return Datagram{}, ErrDatagram
	}
	head, hidden := b[:datagramHead], b[datagramHead:]
	k := o.key(head[len(datagramMagic)])
	if k == nil {
		return Datagram{}, ErrDatagram
	}
	name := [8]byte(head[len(datagramMagic)+1:])
	number := binary.BigEndian.Uint64(head[len(datagramMagic)+9:])
	from, known := k.senders[name]
	if known && !from.window.fresh(number) {
		return Datagram{}, ErrReplayed
	}
	if !known {
		if len(k.senders) >= maxSenders {
			return Datagram{}, ErrDatagram
		}
		from = &sender{cipher: senderCipher(k.secret, name)}
	}
	nonce := nonceOf(number)
	clear, err := from.cipher.Open(hidden[:0], nonce[:], hidden, head)
	if err != nil {
		return Datagram{}, ErrDatagram
	}
	// Only what was proved changes what is remembered.
	if !from.window.fresh(number) {
		return Datagram{}, ErrReplayed // a first one without a number
	}
	k.senders[name] = from
	from.window.take(number)
	return openDatagram(clear)
}

// key is what is known of a key; nil: it is not good.
func (o *DatagramOpener) key(id uint8) *openingKey {
	secret, ok := o.keys(id)
	if !ok {
		delete(o.known, id)
		return nil
	}
	k := o.known[id]
	if k == nil || !bytes.Equal(k.secret, secret) {
		k = &openingKey{secret, map[[8]byte]*sender{}}
		o.known[id] = k
	}
	return k
}

// Sizes of a replayWindow, in numbers; one word is always being filled.
const (
	replayWords = 17
	replaySpan  = (replayWords - 1) * 64
)

// replayWindow remembers which numbers of a sender have come: all up to replaySpan
// below the highest one, and what is lower counts as having come (RFC 4303 section
// 3.4.3, as RFC 6479 keeps it). The zero value has seen none; 0 is no number.
type replayWindow struct {
	top  uint64
	seen [replayWords]uint64
}

// fresh tells whether a number has not come yet.
func (w *replayWindow) fresh(number uint64) bool {
	switch {
	case number == 0 || number > w.top:
		return number != 0
	case w.top-number >= replaySpan:
		return false
	}
	return w.seen[number/64%replayWords]&(1<<(number%64)) == 0
}

// take notes that a fresh one has come.
func (w *replayWindow) take(number uint64) {
	if number > w.top {
		first, last := w.top/64+1, number/64
		if last-w.top/64 > replayWords {
			first = last - replayWords + 1
		}
		for word := first; word <= last; word++ {
			w.seen[word%replayWords] = 0
		}
		w.top = number
	}
	w.seen[number/64%replayWords] |= 1 << (number % 64)
}
