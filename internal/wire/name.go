package wire

// MaxName is how long the name of a node or of a zone may be, in bytes.
const MaxName = 64

// IsName tells whether a node or a zone can be called so: 1 to MaxName letters, digits,
// '-', '.' and '_'.
func IsName(name string) bool {
	ok := len(name) > 0 && len(name) <= MaxName
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_'
	}
	return ok
}
