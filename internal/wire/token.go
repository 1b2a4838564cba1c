package wire

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Token is a session's name in the URL path. It holds all that a balancer needs
// to route, and all that an edge needs to check, so neither looks anything up.
type Token struct {
	SessionID
	Stream  uint64 // StreamHash of the stream
	Depth   uint8  // number of path components of the stream
	Expires int64  // unix seconds
}

// Errors of Verify.
var (
	ErrTokenForm    = errors.New("no token of this form")
	ErrTokenForeign = errors.New("the token is not of this cluster")
	ErrTokenExpired = errors.New("the token has expired")
)

const (
	tokenVersion = 1
	tokenBody    = 1 + 1 + 4 + 4 + 4 + 8 + 1 + 5 // version, key id, pair, slot, generation, stream, depth, expiry
	macSize      = 16
	tokenSize    = tokenBody + macSize
	// TokenLength is the length of a token's text.
	TokenLength = (tokenSize*8 + 5) / 6
)

// Seal writes a token.
func (s Secret) Seal(t Token) string {
	b := make([]byte, 0, tokenSize+16)
	b = append(b, tokenVersion, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(t.Pair))
	b = binary.BigEndian.AppendUint32(b, uint32(t.Slot))
	b = binary.BigEndian.AppendUint32(b, t.Generation)
	b = binary.BigEndian.AppendUint64(b, t.Stream)
	b = append(b, t.Depth, byte(t.Expires>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(t.Expires))
	return base64.RawURLEncoding.EncodeToString(s.sum(b, b))
}

// Verify reads a token without allocating. With ErrTokenExpired the token is
// returned as well: it was one of ours.
func (s Secret) Verify(text string, now time.Time) (Token, error) {
	if len(text) != TokenLength || !s.Valid() {
		return Token{}, ErrTokenForm
	}
	buffer := tokenBuffers.Get().(*tokenBuffer)
	defer tokenBuffers.Put(buffer)
	copy(buffer.text[:], text)
	n, err := base64.RawURLEncoding.Decode(buffer.raw[:], buffer.text[:])
	if err != nil || n != tokenSize || buffer.raw[0] != tokenVersion {
		return Token{}, ErrTokenForm
	}
	b := buffer.raw[:tokenSize]
	if subtle.ConstantTimeCompare(s.sum(buffer.mac[:0], b[:tokenBody]), b[tokenBody:]) != 1 {
		return Token{}, ErrTokenForeign
	}
	t := Token{
		SessionID: SessionID{
			Pair: PairID(binary.BigEndian.Uint32(b[2:])), Slot: int(binary.BigEndian.Uint32(b[6:])), Generation: binary.BigEndian.Uint32(b[10:]),
		},
		Stream: binary.BigEndian.Uint64(b[14:]), Depth: b[22],
		Expires: int64(b[23])<<32 | int64(binary.BigEndian.Uint32(b[24:])),
	}
	if t.Expires <= now.Unix() {
		return t, ErrTokenExpired
	}
	return t, nil
}

// StreamHash is FNV-1a, 64 bits, of a stream's name.
func StreamHash(stream string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(stream) {
		h = (h ^ uint64(stream[i])) * 1099511628211
	}
	return h
}

// StreamDepth counts the components of a stream's name: "/live/one/" has 2.
func StreamDepth(stream string) uint8 { return uint8(min(strings.Count(stream, "/")-1, 255)) }

// StreamOf returns the stream of a path below it, and whether the token is for
// that stream. "/live/one/720/seg.m4s" at depth 2 is of "/live/one/".
func (t Token) StreamOf(path string) (string, bool) {
	left := int(t.Depth) + 1
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		if left--; left == 0 {
			stream := path[:i+1]
			return stream, StreamHash(stream) == t.Stream
		}
	}
	return "", false
}

// SplitPath parts "/s/<token>/a/b" into the token and "/a/b".
func SplitPath(urlPath string) (token, rest string, ok bool) {
	after, ok := strings.CutPrefix(urlPath, SessionPrefix)
	if !ok {
		return "", urlPath, false
	}
	i := strings.IndexByte(after, '/')
	if i <= 0 {
		return "", urlPath, false
	}
	return after[:i], after[i:], true
}
