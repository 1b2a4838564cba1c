package proxy

import (
	"time"

	"tandem/internal/front"
)

// waiting tells whether something lies in the socket that was not read: then whoever
// should read is slow, not who sends.
func (u *upstream) waiting() bool {
	yes := false
	_ = u.raw.Control(func(fd uintptr) { yes = front.Unread(int(fd)) })
	return yes
}

// reception is the time since the kernel last received bytes, and whether the
// connection is dead.
func (u *upstream) reception() (silent time.Duration, dead bool) {
	err := u.raw.Control(func(fd uintptr) { silent, dead = front.Reception(int(fd)) })
	return silent, dead || err != nil
}

// clean tells whether an idle connection is one still: alive, with nothing in
// it that nobody asked for.
func (u *upstream) clean() bool {
	ok := false
	err := u.raw.Control(func(fd uintptr) { ok = !front.Unread(int(fd)) })
	return err == nil && ok
}
