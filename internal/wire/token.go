package wire

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"

	"tandem/internal/media/uri"
)

// Token is a session's name in the URL path. It holds all that a balancer needs
// to route, and all that an edge needs to check, so neither looks anything up. It
// opens any path of its stream's origin.
type Token struct {
	SessionID
	Stream  uint64 // StreamPlace.ID
	Scope   uint8  // Scope of what a viewer's token granted; 0: none was asked for
	Expires int64  // unix seconds
}

// Errors of Verify.
var (
	ErrTokenForm    = errors.New("no token of this form")
	ErrTokenKey     = errors.New("the token's key is not known here")
	ErrTokenForeign = errors.New("the token is not of this cluster")
	ErrTokenExpired = errors.New("the token has expired")
)

const (
	tokenVersion = 2
	tokenBody    = 1 + 1 + 4 + 3 + 4 + 8 + 1 + 4 // version, key, pair, slot, generation, stream, scope, expiry
	macSize      = 16
	tokenSize    = tokenBody + macSize // a multiple of 3, so that no bit of the text is spare
	// TokenLength is the length of a token's text.
	TokenLength = tokenSize / 3 * 4

	maxTokenSlot = 1<<24 - 1
)

// append writes the token's body, to be sealed with a key.
func (t *Token) append(b []byte, key uint8) []byte {
	b = append(b, tokenVersion, key)
	b = binary.BigEndian.AppendUint32(b, uint32(t.Pair))
	b = append(b, byte(t.Slot>>16), byte(t.Slot>>8), byte(t.Slot))
	b = binary.BigEndian.AppendUint32(b, t.Generation)
	b = binary.BigEndian.AppendUint64(b, t.Stream)
	b = append(b, t.Scope)
	return binary.BigEndian.AppendUint32(b, uint32(min(max(t.Expires, 0), math.MaxUint32)))
}

func readToken(b []byte) Token {
	return Token{
		SessionID: SessionID{
			Pair: PairID(binary.BigEndian.Uint32(b[2:])), Slot: int(b[6])<<16 | int(b[7])<<8 | int(b[8]), Generation: binary.BigEndian.Uint32(b[9:]),
		},
		Stream: binary.BigEndian.Uint64(b[13:]), Scope: b[21], Expires: int64(binary.BigEndian.Uint32(b[22:])),
	}
}

// decodeToken reads the bytes of a token's text. A text has one spelling.
func decodeToken(raw, text []byte) bool {
	n, err := strictBase64.Decode(raw, text)
	return err == nil && n == tokenSize && raw[0] == tokenVersion
}

var strictBase64 = base64.RawURLEncoding.Strict()

// PeekToken reads a token without proving anything: for tools and tests.
func PeekToken(text string) (Token, bool) {
	raw := make([]byte, tokenSize+3)
	if len(text) != TokenLength || !decodeToken(raw, []byte(text)) {
		return Token{}, false
	}
	return readToken(raw), true
}

// expired tells whether the token is good no longer.
func (t *Token) expired(now time.Time) bool { return t.Expires <= now.Unix() }

// SplitPath parts "/s/<token>/a/b" into the token and "/a/b", without what is there for
// climbing (uri.Deeper).
func SplitPath(urlPath string) (token, rest string, ok bool) {
	after, ok := strings.CutPrefix(urlPath, SessionPrefix)
	if !ok {
		return "", urlPath, false
	}
	i := strings.IndexByte(after, '/')
	if i <= 0 {
		return "", urlPath, false
	}
	return after[:i], Climbed(after[i:]), true
}

// Climbed is uri.Climbed.
func Climbed(path string) string { return uri.Climbed(path) }
