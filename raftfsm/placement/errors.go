package placement

import "errors"

// Errors of reading a snapshot.
var (
	ErrSnapshot        = errors.New("damaged snapshot")
	ErrSnapshotVersion = errors.New("foreign snapshot version")
)

// Errors of carrying out a command: why Result.Err is set.
var (
	ErrMalformed = errors.New("malformed command")
	ErrStale     = errors.New("stale")
	ErrUnknown   = errors.New("unknown")
	ErrRefused   = errors.New("refused")
	ErrLimit     = errors.New("limit reached")
	ErrWouldLose = errors.New("would leave sessions without an edge") // told by the leader, before anything is written
)

// ErrState is returned by Check for a state that breaks a truth of doc.go.
var ErrState = errors.New("broken state")

// codes name the errors of Apply in a Result, which crosses process boundaries
// and is part of snapshots.
var codes = []struct {
	code string
	err  error
}{
	{"malformed", ErrMalformed}, {"stale", ErrStale}, {"unknown", ErrUnknown}, {"refused", ErrRefused}, {"limit", ErrLimit}, {"would_lose", ErrWouldLose},
}

func CodeOf(err error) string {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return ""
}
