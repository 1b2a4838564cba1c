package placement

import (
	"errors"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Result is what a committed command did. The same command gives the same
// result on every node.
type Result struct {
	Version uint64       `json:"version"`         // the placement's version right behind it
	Err     string       `json:"err,omitempty"`   // one line: why nothing changed
	Code    string       `json:"code,omitempty"`  // malformed, stale, unknown, refused, limit
	Changed bool         `json:"changed"`         // more than the version
	Again   bool         `json:"again,omitempty"` // the answer to an ID that was carried out before
	Events  []wire.Event `json:"events,omitempty"`
	Plan    ring.Plan    `json:"plan"`
}

// Failed is nil, or the reason as an error for errors.Is (ErrStale, ErrUnknown,
// ErrRefused, ErrLimit, ErrMalformed).
func (r Result) Failed() error {
	if r.Err == "" {
		return nil
	}
	for _, c := range codes {
		if c.code == r.Code {
			return &failure{text: r.Err, kind: c.err}
		}
	}
	return errors.New(r.Err)
}

type failure struct {
	text string
	kind error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.kind }
