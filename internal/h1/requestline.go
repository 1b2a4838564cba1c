package h1

import (
	"bytes"
	"net/netip"
	"strings"
)

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
func readRequestLine(b []byte, most int) (line requestLine, err error) {
	full := len(b) >= most+len(crlf)
	if full {
		b = b[:most+len(crlf)]
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
	}
	return min(int(b[7]-'0'), 1), true, nil
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
		if len(path) < i+3 || classOf[path[i+1]]&classOf[path[i+2]]&inHex == 0 {
			return errEscape
		}
		path = path[i+3:]
	}
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
	return s[end] == ':' && (end+1 == len(s) || allIn(s[end+1:], inDigit))
}
