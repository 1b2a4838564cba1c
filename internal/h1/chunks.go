package h1

// The limits of what stands between a body's bytes.
const (
	maxChunkLine  = 256      // bytes of one size line with its extensions
	maxExtensions = 16 << 10 // bytes of all extensions of a body
	maxTrailer    = 8 << 10  // bytes
	maxChunk      = 1 << 58  // bytes
)

// chunks reads what stands between the bytes of a chunked body (RFC 9112 7.1), byte
// by byte. Extensions and trailer fields have to be well-formed, and are ignored.
type chunks struct {
	at         chunkPart
	line       int // bytes of this line
	extensions int // bytes of all of them so far
	trailer    int // bytes
}

// chunkPart is what the next byte belongs to.
type chunkPart uint8

const (
	chunkFirst  chunkPart = iota // a size's first digit
	chunkSize                    // a further digit, or what ends the size
	chunkExt                     // white space before a semicolon
	chunkName                    // an extension's name, from its first byte
	chunkNamed                   // a further byte of it
	chunkEquals                  // white space behind it
	chunkValue                   // an extension's value, from its first byte
	chunkToken                   // a further byte of it
	chunkQuoted                  // a byte in quotation marks
	chunkEscape                  // one behind a backslash
	chunkAfter                   // what follows the quotation marks
	chunkLF                      // a size line's last byte
	chunkData                    // the chunk's bytes: nothing of ours
	chunkEndCR                   // what follows them
	chunkEndLF
	trailerLine  // a trailer field's name from its first byte, or the last CR
	trailerName  // a further byte of it
	trailerValue // a byte of a value
	trailerLF
	trailerEnd // the body's last byte
)

// framing goes on to the next byte of the body, or to its end: how many bytes of b
// that takes. What has not come yet is waited for where it stopped.
func (f *Body) framing(b []byte) (n int, err error) {
	for n < len(b) && f.chunks.at != chunkData && !f.ended {
		if err := f.step(b[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// step is one byte.
func (f *Body) step(x byte) error {
	c := &f.chunks
	switch {
	case c.at >= trailerLine:
		return f.stepTrailer(x)
	case c.at >= chunkEndCR:
		return c.stepEnd(x)
	}
	if c.line++; c.line > maxChunkLine {
		return errChunkExt
	}
	switch c.at {
	case chunkFirst, chunkSize:
		return f.stepSize(x)
	case chunkLF:
		c.line, c.at = 0, chunkData
		if f.left == 0 {
			c.at = trailerLine
		}
		return must(x == '\n', errChunkSize)
	}
	c.extensions++
	return must(c.extensions <= maxExtensions && c.stepExtension(x), errChunkExt)
}

func must(good bool, err error) error {
	if good {
		return nil
	}
	return err
}

func (f *Body) stepSize(x byte) error {
	c := &f.chunks
	switch {
	case classOf[x]&inHex != 0:
		if f.left >= maxChunk>>4 {
			return errChunkTooLong
		}
		f.left, c.at = f.left<<4|int64(hexValue(x)), chunkSize
	case c.at == chunkFirst:
		return errChunkSize
	case x == '\r':
		c.at = chunkLF
	case x == ';':
		c.at = chunkName
	case isBlank(x):
		c.at = chunkExt
	default:
		return errChunkSize
	}
	return nil
}

func hexValue(x byte) byte {
	if x <= '9' {
		return x - '0'
	}
	return x | 0x20 - 'a' + 10
}

// stepExtension is RFC 9112 7.1.1:
//
//	*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//
// White space is taken where it may be, and before a line's end it may not.
func (c *chunks) stepExtension(x byte) bool {
	token, blank := classOf[x]&inToken != 0, isBlank(x)
	switch c.at {
	case chunkName:
		return blank || token && c.turn(chunkNamed)
	case chunkValue:
		return blank || x == '"' && c.turn(chunkQuoted) || token && c.turn(chunkToken)
	case chunkQuoted:
		return x == '"' && c.turn(chunkAfter) || x == '\\' && c.turn(chunkEscape) || classOf[x]&inValue != 0
	case chunkEscape:
		return classOf[x]&inValue != 0 && c.turn(chunkQuoted)
	case chunkNamed:
		if token || x == '=' && c.turn(chunkValue) || blank && c.turn(chunkEquals) {
			return true
		}
	case chunkEquals:
		if blank || x == '=' && c.turn(chunkValue) {
			return true
		}
	case chunkToken:
		if token {
			return true
		}
	}
	// Behind a name or a value: another extension, or the line's end.
	ends := c.at == chunkNamed || c.at == chunkToken || c.at == chunkAfter
	return x == ';' && c.turn(chunkName) || x == '\r' && ends && c.turn(chunkLF) || blank && c.turn(chunkExt)
}

// turn is true, for the conditions above.
func (c *chunks) turn(at chunkPart) bool {
	c.at = at
	return true
}

// stepEnd is the CRLF behind a chunk's bytes.
func (c *chunks) stepEnd(x byte) error {
	switch {
	case c.at == chunkEndCR && x == '\r':
		c.at = chunkEndLF
	case c.at == chunkEndLF && x == '\n':
		c.at = chunkFirst
	default:
		return errChunkEnd
	}
	return nil
}

// stepTrailer reads the fields behind the last chunk, and the empty line.
func (f *Body) stepTrailer(x byte) error {
	c := &f.chunks
	if c.trailer++; c.trailer > maxTrailer {
		return errTrailer
	}
	token := classOf[x]&inToken != 0
	switch {
	case c.at == trailerLine && x == '\r':
		c.at = trailerEnd
	case c.at == trailerLine && token:
		c.at = trailerName
	case c.at == trailerName && token:
	case c.at == trailerName && x == ':':
		c.at = trailerValue
	case c.at == trailerValue && x == '\r':
		c.at = trailerLF
	case c.at == trailerValue && classOf[x]&inValue != 0:
	case c.at == trailerLF && x == '\n':
		c.at = trailerLine
	case c.at == trailerEnd && x == '\n':
		f.ended = true
	default:
		return errTrailer
	}
	return nil
}
