package fetch

import (
	"errors"
)

// Errors of a request.
var (
	ErrPass       = errors.New("not for the store")            // the answer may not be stored: ask again, for this viewer alone
	ErrOnlyCached = errors.New("only a copy was asked for")    // RFC 9111 section 5.2.1.7
	ErrOrigin     = errors.New("the origin does not answer")   // no head from it
	ErrDeadly     = errors.New("edges died of it")             // and the origin is not asked for it
	ErrNotHere    = errors.New("not in this store")            // Only-Cached
	ErrShort      = errors.New("the body ended early")         // visible as a broken connection
	ErrChanged    = errors.New("the object changed meanwhile") // another version came when the rest was asked for
)
