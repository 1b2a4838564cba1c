package streams

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	frameHead = 9 // bytes
	outLeast  = 16 << 10
	outMost   = 64 << 10 // bytes that wait to be written, beside control frames
	quickly   = 5 * time.Millisecond

	// A frame with its head is one record of TLS, which has at most 16 KB.
	dataMost = 16<<10 - frameHead
)

// outBuffers have room for what waits, and the frame that was one too many.
var outBuffers = sync.Pool{New: func() any { b := make([]byte, 0, outMost+32<<10); return &b }}

func appendFrame(b []byte, kind http2.FrameType, flags http2.Flags, stream uint32, length int) []byte {
	return append32(append(b, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags)), stream)
}

func append32(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }

func appendSetting(b []byte, id http2.SettingID, value uint32) []byte {
	return append32(binary.BigEndian.AppendUint16(b, uint16(id)), value)
}

// pending is what frames are appended to. It is for who holds mu, as all here.
func (c *conn) pending() []byte {
	if c.out == nil {
		c.out = *outBuffers.Get().(*[]byte)
	}
	return c.out
}

// flush writes what waits, unless somebody else does.
func (c *conn) flush() {
	if c.err != nil {
		c.drop()
	}
	if c.writing || len(c.out) == 0 {
		return
	}
	c.writing = true
	if len(c.streams) > 1 && len(c.out) < outLeast { // what others are about to say goes out with it
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	c.drain(2)
}

// flushLater is flush for who has others to tell something.
func (c *conn) flushLater() {
	if !c.writing && c.err == nil {
		c.writing = true
		c.drain(0)
	}
}

func (c *conn) drop() {
	if c.out != nil {
		b := c.out[:0]
		c.out = nil
		outBuffers.Put(&b)
	}
}

// drain writes, so many times, and then leaves it to a goroutine what others make: who
// answers one request is not to write for all.
func (c *conn) drain(times int) {
	for ; len(c.out) > 0 && c.err == nil; times-- {
		if times == 0 {
			c.work.Go(func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.drain(-1)
			})
			return
		}
		b := c.out
		c.out = nil
		c.mu.Unlock()
		began := time.Now()
		err := c.write(b)
		took := time.Since(began)
		c.mu.Lock()
		switch {
		case err != nil:
			c.fail(err)
		case took < quickly:
			c.most = min(2*c.most, outMost)
		default: // what waits for a client that takes little is kept small
			c.most = outLeast
		}
		c.room.Broadcast()
	}
	c.writing = false
	c.room.Broadcast()
}

// write is without mu. The buffer is given back before the socket is waited for.
func (c *conn) write(b []byte) error {
	err := c.over.Seal(b)
	b = b[:0]
	outBuffers.Put(&b)
	if err != nil {
		return err
	}
	return c.over.Send(c.cfg.WriteTimeout)
}

// await waits until fewer bytes wait than may; who makes more than that is held up here.
func (c *conn) await() {
	for len(c.out) >= c.most && c.writing && c.err == nil {
		c.room.Wait()
	}
}
