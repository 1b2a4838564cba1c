package fault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Kind is a way to fail.
type Kind string

// The kinds. Those that strike at a byte count it from the body's first one.
const (
	None    Kind = "none"
	Refuse  Kind = "refuse"  // nobody listens, connections are reset: a process that was killed
	Kill    Kind = "kill"    // the connection is reset at the byte
	Close   Kind = "close"   // the connection ends orderly at the byte, too early
	Stop    Kind = "stop"    // nothing comes from the byte on, the connection stays: a process that hangs
	Trickle Kind = "trickle" // from the byte on, one byte comes every 20 ms
	Garbage Kind = "garbage" // what comes instead of the head is no HTTP
	Short   Kind = "short"   // the head announces a hundred bytes more than come
	Long    Kind = "long"    // bytes that belong to nothing follow the body
	Status  Kind = "status"  // 502 without a reason
)

// Kinds are all that fail.
var Kinds = []Kind{Refuse, Kill, Close, Stop, Trickle, Garbage, Short, Long, Status}

// Fault is what happens, and where.
type Fault struct {
	Kind  Kind
	At    int64 // byte of the body; negative: before the head
	Times int   // how many answers fail, 0: all
}

// ErrFault is returned for a text that names no fault.
var ErrFault = errors.New("no such fault")

// reset is another name of Kill, for people who know kill as what happens to a
// process.
const reset = "reset"

// Parse reads "reset@4096", "stop", "trickle@0x3" (three times).
func Parse(text string) (Fault, error) {
	f, err := parse(text)
	if err != nil {
		return f, fmt.Errorf("%w: %q; write KIND, KIND@BYTE or KIND@BYTExTIMES; the kinds are %s", err, text, names())
	}
	return f, nil
}

// names lists what can be written for a kind.
func names() string {
	list := []string{string(None), reset}
	for _, k := range Kinds {
		list = append(list, string(k))
	}
	return strings.Join(list, ", ")
}

func parse(text string) (Fault, error) {
	text, times, counted := strings.Cut(text, "x")
	kind, at, placed := strings.Cut(text, "@")
	if kind == reset {
		kind = string(Kill)
	}
	f := Fault{Kind: Kind(kind)}
	known := f.Kind == None
	for _, k := range Kinds {
		known = known || k == f.Kind
	}
	if !known {
		return Fault{}, ErrFault
	}
	var err error
	if placed {
		if f.At, err = strconv.ParseInt(at, 10, 64); err != nil {
			return Fault{}, fmt.Errorf("%w: %q is no byte", ErrFault, at)
		}
	}
	if counted {
		if f.Times, err = strconv.Atoi(times); err != nil || f.Times < 1 {
			return Fault{}, fmt.Errorf("%w: %q is no number of times", ErrFault, times)
		}
	}
	return f, nil
}
