package access

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net"
	"regexp"
	"strings"
)

// Parts of a URI in catu.
const (
	partScheme = iota
	partHost
	partPort
	partPath
	partQuery
	partParent
	partFile
	partStem
	partExtension
)

// Ways of matching, of catu and cath.
const (
	matchExact     = 0
	matchPrefix    = 1
	matchSuffix    = 2
	matchContains  = 3
	matchRegex     = 4
	matchSHA256    = -1
	matchSHA512256 = -2
)

// uri: every part that is named has to match. What the parts say of the path is
// how far the session reaches.
func (c *catCheck) uri(v any) error {
	parts, ok := v.(map[any]any)
	if !ok {
		return malformed("catu")
	}
	path := pathOf(c.r.Target)
	for key, match := range parts {
		part, ok := key.(uint64)
		if !ok || part > partExtension {
			return malformed("catu")
		}
		good, err := matches(match, c.part(part))
		if err != nil {
			return err
		}
		if !good {
			return refuse(ReasonScope, "the token is for other addresses")
		}
		if part >= partPath {
			c.grant.folders = max(c.grant.folders, foldersOf(part, match, path))
		}
	}
	return nil
}

// foldersOf is how many folders of the entry's path a part covers as a whole: those
// of a prefix, else the entry's own one.
func foldersOf(part uint64, match any, path string) int {
	ways, _ := match.(map[any]any)
	if prefix, ok := ways[uint64(matchPrefix)].(string); ok && (part == partPath || part == partParent) && len(ways) == 1 {
		return covered(prefix, path)
	}
	if part == partQuery {
		return 0
	}
	return depth(path)
}

// part is a part of the address that the viewer asked for, without its token.
func (c *catCheck) part(part uint64) string {
	path, query, _ := strings.Cut(c.r.Target, "?")
	host, port := c.r.Host, ""
	if h, p, err := net.SplitHostPort(c.r.Host); err == nil {
		host, port = h, p
	}
	last := strings.LastIndexByte(path, '/')
	file := path[last+1:]
	stem, extension, dot := strings.Cut(file, ".")
	switch part {
	case partScheme:
		return c.r.Scheme
	case partHost:
		return strings.ToLower(host)
	case partPort:
		return port
	case partPath:
		return path
	case partQuery:
		return query
	case partParent:
		return path[:max(last, 0)]
	case partFile:
		return file
	case partStem:
		return stem
	}
	if dot {
		return "." + extension
	}
	return ""
}

// matches tells whether a text matches in every way that is named.
func matches(match any, text string) (bool, error) {
	ways, ok := match.(map[any]any)
	if !ok || len(ways) == 0 {
		return false, malformed("catu or cath")
	}
	for way, value := range ways {
		n, isNumber := whole(way)
		if !isNumber {
			return false, malformed("catu or cath")
		}
		good, err := matchOne(n, value, text)
		if err != nil || !good {
			return false, err
		}
	}
	return true, nil
}

func matchOne(way int, value any, text string) (bool, error) {
	want, isText := value.(string)
	switch {
	case way == matchRegex:
		return matchPattern(value, text)
	case way == matchSHA256:
		sum := sha256.Sum256([]byte(text))
		return sameSum(value, sum[:]), nil
	case way == matchSHA512256:
		sum := sha512.Sum512_256([]byte(text))
		return sameSum(value, sum[:]), nil
	case !isText:
		return false, malformed("catu or cath")
	case way == matchExact:
		return text == want, nil
	case way == matchPrefix:
		return strings.HasPrefix(text, want), nil
	case way == matchSuffix:
		return strings.HasSuffix(text, want), nil
	case way == matchContains:
		return strings.Contains(text, want), nil
	}
	return false, refuse(ReasonInvalid, "the token matches in a way that is not understood here")
}

// matchPattern is a regular expression: a text, or a list with it first.
func matchPattern(value any, text string) (bool, error) {
	list, ok := texts(value)
	if !ok || len(list) == 0 {
		return false, malformed("catu or cath")
	}
	re, err := regexp.Compile(list[0])
	if err != nil {
		return false, refuse(ReasonInvalid, "the token's pattern is not understood here")
	}
	return re.MatchString(text), nil
}

// sameSum takes a hash as bytes or as hexadecimal text.
func sameSum(value any, sum []byte) bool {
	switch v := value.(type) {
	case []byte:
		return string(v) == string(sum)
	case string:
		return strings.EqualFold(v, hex.EncodeToString(sum))
	}
	return false
}
