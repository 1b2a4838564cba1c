package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"math/big"

	"github.com/fxamacker/cbor/v2"
)

// strict decodes CBOR within bounds: no claim is there twice, nothing is nested
// deeply, nothing is open-ended.
var strict = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 8, MaxArrayElements: 256, MaxMapPairs: 64,
	}.DecMode()
	if err != nil {
		panic(err) // constants
	}
	return mode
}()

// Tags (RFC 8392, RFC 9052).
const (
	tagCWT   = 61
	tagMac0  = 17
	tagSign1 = 18
)

// majorArray is how an array begins (RFC 8949 section 3.1).
const majorArray = 4

// Parameters of a COSE header (RFC 9052).
const (
	headerAlgorithm = uint64(1)
	headerCritical  = uint64(2)
	headerKey       = uint64(4)
)

// sealed is a COSE_Mac0 or a COSE_Sign1.
type sealed struct {
	_         struct{} `cbor:",toarray"`
	Protected []byte
	Open      map[any]any
	Payload   []byte
	Seal      []byte // MAC or signature
}

// openCOSE checks the seal of a token and returns what it seals.
func (r *Rule) openCOSE(raw []byte) ([]byte, bool) {
	kind := uint64(0) // not said
	for i := range 2 {
		var tag cbor.RawTag
		if strict.Unmarshal(raw, &tag) != nil {
			break
		}
		switch {
		case tag.Number == tagCWT && i == 0:
		case (tag.Number == tagMac0 || tag.Number == tagSign1) && kind == 0:
			kind = tag.Number
		default:
			return nil, false
		}
		raw = tag.Content
	}
	var s sealed
	header := map[any]any{}
	if len(raw) == 0 || raw[0]>>5 != majorArray { // the decoder would pass over more tags
		return nil, false
	}
	if strict.Unmarshal(raw, &s) != nil || len(s.Protected) > 0 && strict.Unmarshal(s.Protected, &header) != nil {
		return nil, false
	}
	_, critical := header[headerCritical]
	if _, ok := s.Open[headerCritical]; ok || critical {
		return nil, false // an extension that we don't know
	}
	named, said := header[headerKey]
	if !said {
		named, said = s.Open[headerKey]
	}
	id, ok := named.([]byte) // RFC 9052 section 3.1
	if said && !ok {
		return nil, false
	}
	// The algorithm has to be sealed itself.
	algorithm, _ := whole(header[headerAlgorithm])
	if mac, ok := coseMACs[algorithm]; ok && kind != tagSign1 {
		return s.Payload, r.maced(&s, string(id), mac)
	}
	if signature, ok := coseSignatures[algorithm]; ok && kind != tagMac0 {
		return s.Payload, r.signedBy(&s, string(id), signature)
	}
	return nil, false
}

// coseMACs by the number of the algorithm (RFC 9053).
var coseMACs = map[int]func() hash.Hash{5: sha256.New, 6: sha512.New384, 7: sha512.New}

func (r *Rule) maced(s *sealed, id string, h func() hash.Hash) bool {
	text, err := cbor.Marshal([]any{"MAC0", s.Protected, []byte{}, s.Payload})
	if err != nil {
		return false
	}
	for _, k := range r.keysFor(id, false) {
		mac := hmac.New(h, k.secret)
		mac.Write(text)
		if hmac.Equal(mac.Sum(nil), s.Seal) {
			return true
		}
	}
	return false
}

// coseSignatures by the number of the algorithm (RFC 9053).
var coseSignatures = map[int]func(key crypto.PublicKey, text, signature []byte) bool{
	-7: ecdsaOf(crypto.SHA256, 32), -35: ecdsaOf(crypto.SHA384, 48), -36: ecdsaOf(crypto.SHA512, 66),
	-37: pssOf(crypto.SHA256), -38: pssOf(crypto.SHA384), -39: pssOf(crypto.SHA512),
	-8: func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(ed25519.PublicKey)
		return ok && ed25519.Verify(k, text, signature)
	},
}

func ecdsaOf(h crypto.Hash, size int) func(crypto.PublicKey, []byte, []byte) bool {
	return func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(*ecdsa.PublicKey)
		if !ok || (k.Curve.Params().BitSize+7)/8 != size || len(signature) != 2*size {
			return false
		}
		x, y := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(k, digest(h, text), x, y)
	}
}

func pssOf(h crypto.Hash) func(crypto.PublicKey, []byte, []byte) bool {
	return func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(*rsa.PublicKey)
		return ok && rsa.VerifyPSS(k, h, digest(h, text), signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
}

func digest(h crypto.Hash, text []byte) []byte {
	sum := h.New()
	sum.Write(text)
	return sum.Sum(nil)
}

func (r *Rule) signedBy(s *sealed, id string, verify func(crypto.PublicKey, []byte, []byte) bool) bool {
	text, err := cbor.Marshal([]any{"Signature1", s.Protected, []byte{}, s.Payload})
	if err != nil {
		return false
	}
	for _, k := range r.keysFor(id, true) {
		if verify(k.public, text, s.Seal) {
			return true
		}
	}
	return false
}
