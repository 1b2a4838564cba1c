package h1

// Body finds the bytes of a body among those of its connection. It keeps no bytes
// itself, so that reading may stop between any two of them and be taken up again.
type Body struct {
	chunks  chunks
	left    int64 // of the body, or of the chunk
	chunked bool
	open    bool // it ends when the connection does (RFC 9112 6.3)
	ended   bool
}

// bodyOf is the body of a message with these fields; neither: it has none.
func bodyOf(length int64, chunked bool) Body {
	switch {
	case chunked:
		return Body{chunked: true}
	case length <= 0:
		return Body{ended: true}
	default:
		return Body{left: length}
	}
}

// Next looks at bytes of the connection: skip of them, at the beginning, are framing
// and are to be dropped, the next n are the body's. They count once Took is told.
// No bytes and no error: more have to come, or the body has ended. A body's end is
// found as soon as it is there: what is behind it is not looked at.
func (f *Body) Next(b []byte) (skip, n int, err error) {
	switch {
	case f.ended:
		return 0, 0, nil
	case f.open:
		return 0, len(b), nil
	case !f.chunked:
		return 0, int(min(f.left, int64(len(b)))), nil
	}
	if skip, err = f.framing(b); err != nil || f.chunks.at != chunkData {
		return skip, 0, err
	}
	return skip, int(min(f.left, int64(len(b)-skip))), nil
}

// Took tells that n bytes of the body were taken.
func (f *Body) Took(n int64) {
	if f.open {
		return
	}
	switch f.left -= n; {
	case f.left > 0:
	case f.chunked && n > 0:
		f.chunks.at = chunkEndCR
	case !f.chunked:
		f.ended = true
	}
}

// Ended tells whether all of the body was taken.
func (f *Body) Ended() bool { return f.ended }

// Left is how many bytes are still to come, -1 when nobody knows yet.
func (f *Body) Left() int64 {
	switch {
	case f.ended:
		return 0
	case f.chunked || f.open:
		return -1
	}
	return f.left
}

// Open tells whether the body ends when its connection does.
func (f *Body) Open() bool { return f.open }

// Run is how many bytes of the body follow with nothing between them: the rest of it,
// or of its chunk; -1: up to the connection's end. None while a chunk's size is still
// being read: the digits so far say nothing of what follows.
func (f *Body) Run() int64 {
	switch {
	case f.open:
		return -1
	case f.chunked && f.chunks.at != chunkData:
		return 0
	}
	return f.left
}
