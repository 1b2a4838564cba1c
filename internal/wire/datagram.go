package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net"
)

// Bounds of a datagram: with the headers of IP and UDP it fits an Ethernet frame.
const (
	MaxDatagram     = 1400
	MaxDatagramBody = 1200
	// MaxDatagramObject bounds what a receiver may be told to keep room for, in
	// bytes; what is larger goes by HTTP.
	MaxDatagramObject = 64 << 20

	datagramMagic = "tdm2"
	datagramHead  = len(datagramMagic) + 1 + 8 + 8 // key, sender, number: in clear, and sealed with the rest
	datagramTag   = 16                             // of AES-GCM
	datagramClear = 8 + 8 + 8 + 8 + sha256.Size    // of what is hidden, its texts and its body aside
	datagramFixed = datagramHead + datagramTag + datagramClear
	maxDatagramTx = 255 // bytes of each text but the key
)

// Why a datagram is not taken.
var (
	ErrDatagram = errors.New("not a datagram of this cluster")
	ErrReplayed = errors.New("a datagram that has come before, or too late to tell")
)

// Datagram is a part of an object that an origin sends to a multicast group
// (claim 6). Each one says all of what the object is, so that a receiver may
// begin with any of them and ask for the rest by HTTP ranges.
type Datagram struct {
	Object  uint64 // the same for all parts of one version of an object
	Offset  int64
	Total   int64             // size of the whole object
	Sent    int64             // unix milliseconds
	Digest  [sha256.Size]byte // of the whole object
	Key     string            // path and query at the origin
	ETag    string
	Type    string // content type
	Caching string // Cache-Control
	Changed string // Last-Modified
	Body    []byte // may be empty only when Total is 0
}

// texts are the fields of variable length, in their order on the wire.
func (d *Datagram) texts() [5]string {
	return [...]string{d.Key, d.ETag, d.Type, d.Caching, d.Changed}
}

// Fits tells whether every part of such an object can be sent and opened.
func (d *Datagram) Fits() bool {
	for i, s := range d.texts() {
		if i > 0 && len(s) > maxDatagramTx {
			return false
		}
	}
	return d.Key != "" && d.Total <= MaxDatagramObject && d.Room() > 0
}

// DatagramObject is the identity of a version of an object.
func DatagramObject(key, etag string) uint64 {
	sum := sha256.Sum256([]byte(key + "\x00" + etag))
	return binary.BigEndian.Uint64(sum[:])
}

// Room is how many bytes of the object fit beside the rest; below 1: none.
func (d *Datagram) Room() int {
	texts := 0
	for _, s := range d.texts() {
		texts += len(s) + 2 // the length of a length, at most
	}
	return min(MaxDatagramBody, MaxDatagram-datagramFixed-texts)
}

// appendClear writes a datagram as it is before it is sealed; len(d.Body) is at most
// d.Room().
func (d *Datagram) appendClear(b []byte) []byte {
	for _, v := range []uint64{d.Object, uint64(d.Offset), uint64(d.Total), uint64(d.Sent)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(b, d.Digest[:]...)
	for _, s := range d.texts() {
		b = appendText(b, s)
	}
	return append(b, d.Body...)
}

// openDatagram reads what was sealed. Body is a part of b.
func openDatagram(b []byte) (Datagram, error) {
	if len(b) < datagramClear {
		return Datagram{}, ErrDatagram
	}
	d := Datagram{Object: binary.BigEndian.Uint64(b)}
	offset, total, sent := binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])
	copy(d.Digest[:], b[32:])
	texts := decoder{left: b[32+sha256.Size:]}
	d.Key = texts.text(maxPath)
	for _, to := range []*string{&d.ETag, &d.Type, &d.Caching, &d.Changed} {
		*to = texts.text(maxDatagramTx)
	}
	d.Body = texts.left
	size := uint64(len(d.Body))
	switch {
	case texts.bad, d.Key == "", sent > 1<<62, size > MaxDatagramBody:
		return Datagram{}, ErrDatagram
	case total > MaxDatagramObject, offset > total, size > total-offset, size == 0 && total > 0:
		return Datagram{}, ErrDatagram
	}
	d.Offset, d.Total, d.Sent = int64(offset), int64(total), int64(sent)
	return d, nil
}

// GroupInterface is the network interface for a multicast group: the named one,
// or the loopback one for a node whose listener is reachable only there. nil:
// the one that the system's routes choose.
func GroupInterface(name, listen string) (*net.Interface, error) {
	if name != "" {
		return net.InterfaceByName(name)
	}
	if host, _, err := net.SplitHostPort(listen); err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Flags&net.FlagLoopback != 0 {
			return &all[i], nil
		}
	}
	return nil, nil
}
