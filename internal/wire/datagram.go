package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
	"net"
	"sync"
)

// Bounds of a datagram: with the headers of IP and UDP it fits an Ethernet frame.
const (
	MaxDatagram     = 1400
	MaxDatagramBody = 1200
	// MaxDatagramObject bounds what a receiver may be told to keep room for, in
	// bytes; what is larger goes by HTTP.
	MaxDatagramObject = 64 << 20

	datagramMagic = "tdm1"
	datagramFixed = len(datagramMagic) + macSize + 8 + 8 + 8 + 8 + sha256.Size
	maxDatagramTx = 255 // bytes of each text but the key
)

// ErrDatagram is returned for what is no datagram of this cluster.
var ErrDatagram = errors.New("not a datagram of this cluster")

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

// DatagramCodec seals and opens datagrams with a key of the cluster: a group is
// open to everybody in the network. Safe for many goroutines.
type DatagramCodec struct{ macs sync.Pool }

// Datagrams makes the codec of this cluster.
func (s Secret) Datagrams() *DatagramCodec {
	key := s.Key("datagram")
	return &DatagramCodec{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

func (c *DatagramCodec) sum(b []byte) [sha256.Size]byte {
	mac := c.macs.Get().(hash.Hash)
	defer c.macs.Put(mac)
	mac.Reset()
	mac.Write(b)
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return sum
}

// Append writes the datagram; len(d.Body) is at most d.Room().
func (c *DatagramCodec) Append(b []byte, d *Datagram) []byte {
	start := len(b)
	b = append(b, datagramMagic...)
	b = append(b, make([]byte, macSize)...)
	for _, v := range []uint64{d.Object, uint64(d.Offset), uint64(d.Total), uint64(d.Sent)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(b, d.Digest[:]...)
	for _, s := range d.texts() {
		b = appendText(b, s)
	}
	b = append(b, d.Body...)
	sealed := start + len(datagramMagic)
	sum := c.sum(b[sealed+macSize:])
	copy(b[sealed:], sum[:macSize])
	return b
}

// Open reads a datagram and proves that it comes from this cluster. Body is a
// part of b.
func (c *DatagramCodec) Open(b []byte) (Datagram, error) {
	if len(b) < datagramFixed || len(b) > MaxDatagram || string(b[:len(datagramMagic)]) != datagramMagic {
		return Datagram{}, ErrDatagram
	}
	b = b[len(datagramMagic):]
	sum := c.sum(b[macSize:])
	if subtle.ConstantTimeCompare(sum[:macSize], b[:macSize]) != 1 {
		return Datagram{}, ErrDatagram
	}
	return openDatagram(b[macSize:])
}

func openDatagram(b []byte) (Datagram, error) {
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
