package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// streamsAtOnce are those of a stranger's connection that speaks HTTP/2.
const streamsAtOnce = 4

// windowMost is how much a client of HTTP/2 takes before it says that it takes more, in bytes.
const windowMost = 1 << 28

// streamClient is a client's connection that speaks HTTP/2.
type streamClient struct {
	framer *http2.Framer
	addr   string
	next   uint32 // stream
	taken  uint32 // bytes since the connection's window was opened
	block  bytes.Buffer
	fields *hpack.Encoder
}

func newStreamClient(conn net.Conn, addr string) (*streamClient, error) {
	c := &streamClient{framer: http2.NewFramer(conn, conn), addr: addr, next: 1}
	c.framer.SetReuseFrames()
	c.framer.SetMaxReadFrameSize(1 << 20)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.fields = hpack.NewEncoder(&c.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	if err := c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: windowMost}, http2.Setting{ID: http2.SettingEnablePush}); err != nil {
		return nil, err
	}
	return c, c.framer.WriteWindowUpdate(0, windowMost)
}

// ask sends a request.
func (c *streamClient) ask(path string) error {
	c.block.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", c.addr}, {":path", path}, {"user-agent", "crowd"}} {
		_ = c.fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // a buffer takes all
	}
	c.next += 2
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.next - 2, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
}

// answered reads until one more answer is whole.
func (c *streamClient) answered() error {
	for {
		f, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		ends := false
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); status >= "400" {
				return fmt.Errorf("status %s", status)
			}
			ends = f.StreamEnded()
		case *http2.DataFrame:
			ends = f.StreamEnded()
			if c.taken += f.Length; c.taken >= windowMost/2 {
				err = c.framer.WriteWindowUpdate(0, c.taken)
				c.taken = 0
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = c.framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				err = c.framer.WritePing(true, f.Data)
			}
		case *http2.RSTStreamFrame:
			return fmt.Errorf("stream reset: %v", f.ErrCode)
		case *http2.GoAwayFrame:
			return fmt.Errorf("sent away: %v", f.ErrCode)
		}
		if err != nil || ends {
			return err
		}
	}
}

// hammerStreams keeps requests of HTTP/2 on their way.
func (c *crowdState) hammerStreams(ctx context.Context, conn net.Conn, path string) error {
	of, err := newStreamClient(conn, c.Addr)
	if err != nil {
		return err
	}
	for range streamsAtOnce {
		if err := of.ask(path); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if err := of.answered(); err != nil {
			return err
		}
		c.answered.Add(1)
		if err := of.ask(path); err != nil {
			return err
		}
	}
	return nil
}
