package front

import (
	"bytes"
	"net/netip"
	"strings"
)

// What is refused, in the order in which it is met. Each is allocated once, so
// that a flood of malformed heads costs no more than one of good ones.
var (
	errHeadTooLong = &Malformed{431, "the head is too long"}
	errFields      = &Malformed{431, "more than 100 header fields"}

	errEmptyLines  = &Malformed{400, "too many empty lines before the request line"}
	errMethod      = &Malformed{400, "the request line does not begin with a method and a space"}
	errMethodLong  = &Malformed{501, "the method is longer than any that is known"}
	errLineTooLong = &Malformed{414, "the request line is longer than 8 KiB"}
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

// The classes of bytes.
const (
	inToken  = 1 << iota // tchar, RFC 9110 5.6.2
	inTarget             // all that is visible in ASCII but '#', which begins what is never sent
	inValue              // RFC 9110 5.5: visible, space, tab, and the bytes above ASCII, which mean nothing here
	inHost               // reg-name, RFC 3986 3.2.2, without its escapes: they would be another way to write the same host
)

var classOf = classes()

func classes() (table [256]uint8) {
	const (
		digits  = "0123456789"
		letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	for _, c := range []byte("!#$%&'*+-.^_`|~" + digits + letters) {
		table[c] |= inToken
	}
	for _, c := range []byte("-._~!$&'()*+,;=" + digits + letters) {
		table[c] |= inHost
	}
	for c := range table {
		if c > ' ' && c < 0x7f && c != '#' {
			table[c] |= inTarget
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			table[c] |= inValue
		}
	}
	return table
}

// requestLine is where the parts of a request line are, in bytes from its
// beginning.
type requestLine struct {
	method            int // its end, it begins the line
	target, targetEnd int // of an absolute-form: of what comes after the authority
	host, hostEnd     int // the absolute-form's authority; 0 in the other forms
	minor             int
	size              int // CRLF included; 0: the line is not all there
}

// readRequestLine refuses a line that can't become a request line at its first
// wrong byte, so that TLS, HTTP/0.9 and noise are answered at once.
func readRequestLine(b []byte) (line requestLine, err error) {
	full := len(b) >= maxLine+2
	if full {
		b = b[:maxLine+2]
	}
	i := 0
	for i < len(b) && classOf[b[i]]&inToken != 0 {
		i++
	}
	switch {
	case i > maxMethod:
		return requestLine{}, errMethodLong
	case i == len(b):
		return requestLine{}, nil
	case i == 0 || b[i] != ' ':
		return requestLine{}, errMethod
	}
	line.method, line.target = i, i+1
	for i++; i < len(b) && classOf[b[i]]&inTarget != 0; i++ {
	}
	whole := false
	if i < len(b) {
		switch {
		case b[i] == '\r' || b[i] == '\n':
			return requestLine{}, errNoVersion
		case b[i] != ' ' || i == line.target:
			return requestLine{}, errTargetByte
		}
		line.targetEnd = i
		if line.minor, whole, err = readVersion(b[i+1:]); err != nil {
			return requestLine{}, err
		}
	}
	switch {
	case whole:
		line.size = i + 1 + len(versionForm)
		return line, line.checkTarget(b)
	case full:
		return requestLine{}, errLineTooLong
	}
	return requestLine{}, nil
}

const versionForm = "HTTP/0.0\r\n" // a 0 is any digit

// readVersion reads what ends a request line; whole tells that it is all there.
func readVersion(b []byte) (minor int, whole bool, err error) {
	for i := range min(len(b), len(versionForm)) {
		digit := versionForm[i] == '0' && b[i] >= '0' && b[i] <= '9'
		if !digit && b[i] != versionForm[i] {
			return 0, false, errVersion
		}
	}
	switch {
	case len(b) < len(versionForm):
		return 0, false, nil
	case b[5] != '1':
		return 0, false, errMajor
	case b[7] == '0':
		return 0, true, nil
	}
	return 1, true, nil
}

// checkTarget knows the four forms of RFC 9112 3.2. Of an absolute-form it
// finds the authority, which wins over the Host field (3.2.2).
func (l *requestLine) checkTarget(b []byte) error {
	method, target := b[:l.method], b[l.target:l.targetEnd]
	switch {
	case string(method) == "CONNECT":
		return errConnect
	case target[0] == '/':
		return checkEscapes(target)
	case string(target) == "*":
		if string(method) != "OPTIONS" {
			return errAsterisk
		}
		return nil
	}
	i := bytes.Index(target, []byte("://"))
	if i < 0 || !bytes.EqualFold(target[:i], []byte("http")) && !bytes.EqualFold(target[:i], []byte("https")) {
		return errTargetForm
	}
	l.host = l.target + i + len("://")
	l.hostEnd = l.targetEnd
	if i := bytes.IndexAny(b[l.host:l.targetEnd], "/?"); i >= 0 {
		l.hostEnd = l.host + i
	}
	l.target = l.hostEnd
	if !isAuthority(string(b[l.host:l.hostEnd])) {
		return errAuthority
	}
	return checkEscapes(b[l.target:l.targetEnd])
}

// checkEscapes looks at the path only: what a query means is for whoever reads
// it, and players do send a bare % there.
func checkEscapes(target []byte) error {
	path, _, _ := bytes.Cut(target, []byte("?"))
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			return nil
		}
		if len(path) < i+3 || !isHex(path[i+1]) || !isHex(path[i+2]) {
			return errEscape
		}
		path = path[i+3:]
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// isAuthority tells whether s is uri-host [":" port] (RFC 9110 7.2), the host
// not empty: every URL that is served here has one. User information is none.
func isAuthority(s string) bool {
	end := 0
	if strings.HasPrefix(s, "[") {
		end = strings.IndexByte(s, ']') + 1
		if end == 0 {
			return false
		}
		ip, err := netip.ParseAddr(s[1 : end-1])
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return false
		}
	}
	for end < len(s) && s[0] != '[' && classOf[s[end]]&inHost != 0 {
		end++
	}
	if end == 0 || end == len(s) {
		return end > 0
	}
	return s[end] == ':' && (end+1 == len(s) || isDigits(s[end+1:]))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// whyName says what is wrong with a field line that begins at i and whose name
// stops at stop.
func whyName(text string, i, stop int) error {
	switch {
	case stop == i && isBlank(text[i]):
		return errFold
	case stop == i && text[i] == ':':
		return errNameEmpty
	case isBlank(text[stop]):
		return errNameBlank
	}
	return errNameByte
}

// noticeHost is RFC 9112 3.2.
func (h *Head) noticeHost(value string, seen *framing) error {
	if seen.host {
		return errHosts
	}
	if !isAuthority(value) {
		return errHostValue
	}
	seen.host = true
	h.Host = value
	return nil
}

// noticeLength is RFC 9112 6.3. That it lets a server take the same number
// twice is not used: no client has a reason to send it, a smuggler has.
func (h *Head) noticeLength(value string, seen *framing) error {
	if seen.length {
		return errLengths
	}
	const longest = 18 // digits, which always fit an int64
	if !isDigits(value) || len(value) > longest {
		return errLengthValue
	}
	seen.length = true
	h.Bodied = h.Bodied || strings.Trim(value, "0") != ""
	return nil
}

// noticeCoding is RFC 9112 6.1 and 6.3: without chunked as the last coding
// nobody can tell where the body ends, which has to be 400; a coding before it
// is only one that is not implemented. An empty member of the list, which RFC
// 9110 5.6.1 has a reader skip, counts as a coding here: no client sends one.
func (h *Head) noticeCoding(value string, seen *framing) error {
	if seen.coding {
		return errCodings
	}
	seen.coding = true
	h.Bodied = true
	if strings.EqualFold(value, "chunked") {
		return nil
	}
	i := strings.LastIndexByte(value, ',')
	if i < 0 || !strings.EqualFold(strings.Trim(value[i+1:], " \t"), "chunked") {
		return errNotChunked
	}
	for coding := range strings.SplitSeq(value[:i], ",") {
		if strings.EqualFold(strings.Trim(coding, " \t"), "chunked") {
			return errNotChunked
		}
	}
	return errCoding
}
