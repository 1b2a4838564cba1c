package h1

// The classes of bytes.
const (
	inToken  = 1 << iota // tchar, RFC 9110 5.6.2
	inTarget             // all that is visible in ASCII but '#', which begins what is never sent
	inValue              // RFC 9110 5.5: visible, space, tab, and the bytes above ASCII, which mean nothing here
	inHost               // reg-name, RFC 3986 3.2.2, without its escapes: they would be another way to write the same host
	inHex                // HEXDIG, in both cases
	inDigit
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
	for _, c := range []byte(digits + "abcdefABCDEF") {
		table[c] |= inHex
	}
	for _, c := range []byte(digits) {
		table[c] |= inDigit
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

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// IsToken tells whether s can be a field's name or a method (RFC 9110 5.6.2).
func IsToken(s string) bool { return s != "" && allIn(s, inToken) }

// IsValue tells whether s can be a field's value: no control byte but a tab.
func IsValue(s string) bool { return allIn(s, inValue) }

// IsTarget tells whether s has the bytes of a target alone: none beyond ASCII (RFC 3986).
func IsTarget(s string) bool { return s != "" && allIn(s, inTarget) }

func allIn(s string, class uint8) bool {
	for i := range len(s) {
		if classOf[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

// Number reads a number of bytes: digits alone, unlike strconv, and as many as always
// fit an int64.
func Number[T string | []byte](s T) (n int64, ok bool) {
	const longest = 18
	if len(s) == 0 || len(s) > longest {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// Is compares a name or an option in any case with one in small letters.
func Is[T string | []byte](s T, small string) bool {
	if len(s) != len(small) {
		return false
	}
	for i := range len(small) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != small[i] {
			return false
		}
	}
	return true
}

// trimmed is s without the white space around it (RFC 9110 5.6.3).
func trimmed[T string | []byte](s T) T {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// cut is what stands in s before a byte and what after it; the byte is found or not.
func cut[T string | []byte](s T, at byte) (before, after T, found bool) {
	for i := range len(s) {
		if s[i] == at {
			return s[:i], s[i+1:], true
		}
	}
	return s, s[len(s):], false
}
