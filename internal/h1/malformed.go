package h1

// Malformed is a message that is refused. Where the next one would begin is not
// known after it, so the connection can't be used further.
type Malformed struct {
	Status int // of the answer to a request; to an answer it is 502
	Why    string
}

func (m *Malformed) Error() string { return m.Why }

// What is refused of a request, in the order in which it is met. Each is allocated
// once, so that a flood of malformed heads costs no more than one of good ones.
var (
	errHeadTooLong = &Malformed{431, "the head is too long"}
	errFields      = &Malformed{431, "too many header fields"}

	errEmptyLines  = &Malformed{400, "too many empty lines before the request line"}
	errMethod      = &Malformed{400, "the request line does not begin with a method and a space"}
	errMethodLong  = &Malformed{501, "the method is longer than any that is known"}
	errLineTooLong = &Malformed{414, "the request line is too long"}
	errTargetByte  = &Malformed{400, "the request target is empty or has a byte that no URI has"}
	errNoVersion   = &Malformed{400, "the request line ends without an HTTP version"}
	errVersion     = &Malformed{400, "no HTTP version and CRLF after the request target"}
	errMajor       = &Malformed{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"}

	// RFC 9110 has 501 for a method that is supported for no resource at all
	// (15.6.2). 405 is for one that the target resource does not support and
	// has to name, in Allow, those that it does (15.5.6): but what CONNECT
	// targets is a host and a port, no resource of ours.
	errConnect    = &Malformed{501, "CONNECT is not implemented"}
	errTargetForm = &Malformed{400, "the request target is no path and no http URL"}
	errAsterisk   = &Malformed{400, "the request target * is for OPTIONS only"}
	errAuthority  = &Malformed{400, "the request target's authority is not a host with or without a port"}
	errEscape     = &Malformed{400, "a % in the request target's path without two hexadecimal digits"}

	errBareLF    = &Malformed{400, "a line feed without a carriage return"}
	errFold      = &Malformed{400, "a folded header field, or white space before the first"}
	errNameEmpty = &Malformed{400, "a header field without a name"}
	errNameBlank = &Malformed{400, "white space between a header field's name and its colon"}
	errNameByte  = &Malformed{400, "a header field's name has a byte that no token has"}
	errValueByte = &Malformed{400, "a header field's value has a control byte"}

	errHostValue   = &Malformed{400, "the Host field is not a host with or without a port"}
	errHosts       = &Malformed{400, "more than one Host field"}
	errNoHost      = &Malformed{400, "no Host field"}
	errLengthValue = &Malformed{400, "the Content-Length field is not a number of bytes"}
	errLengths     = &Malformed{400, "more than one Content-Length field"}
	errCodings     = &Malformed{400, "more than one Transfer-Encoding field"}
	errNotChunked  = &Malformed{400, "the last transfer coding is not chunked, or chunked twice"}
	errCoding      = &Malformed{501, "a transfer coding other than chunked"}
	errTwoLengths  = &Malformed{400, "both Content-Length and Transfer-Encoding"}
	errOldChunked  = &Malformed{400, "Transfer-Encoding in HTTP/1.0"}
)

// What is refused of a body.
var (
	errChunkSize    = &Malformed{400, "a chunk's size is not a hexadecimal number"}
	errChunkTooLong = &Malformed{400, "a chunk is too long"}
	errChunkExt     = &Malformed{400, "a chunk's extension is malformed or too long"}
	errChunkEnd     = &Malformed{400, "no CRLF after a chunk's bytes"}
	errTrailer      = &Malformed{400, "the trailer fields are malformed or too long"}
)

// What is refused of an answer, but for what requests share with it.
var (
	errStatusLine = &Malformed{502, "the answer does not begin with a status line of HTTP/1.1"}
	errStatus     = &Malformed{502, "the answer's status is not between 100 and 599"}
	errSwitched   = &Malformed{502, "the answer switches protocols, which was not asked for"}
)

var _ error = (*Malformed)(nil)
