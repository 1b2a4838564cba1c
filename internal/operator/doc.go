// Package operator decides who may order what on an admin listener: who asks
// (tokens, a login's cookie, OpenID Connect), which role that is, and whether the
// role may do it; and what a browser may be made to do by other pages.
//
// Always true:
//   - a request whose Host is a name that nobody gave this listener gets nothing: a
//     page can have its own name lead here (DNS rebinding), but can't send ours;
//   - what changes something is taken from a browser only if our own page sent it, and
//     what costs something as well: another page gets nothing but the empty page;
//   - no page is shown in a frame;
//   - a logout ends the login wherever its cookie was copied to, and whatever somebody
//     watches ends with what they showed: their token, their login, their role;
//   - a path that is in no row of the table is for admins alone;
//   - of a token only a hash is kept; nothing here is written to a log but names;
//   - without a file of operators everybody is admin, and only who is on this
//     machine can be everybody.
//
// Guards: the operators' file and the key of logins are atomic pointers to values that never
// change; what issuers say of themselves has a mutex, which nobody holds while one is asked;
// logins that were ended, requests under way and guesses have one each.
//
// May be lost: logins, when the process ends: the key that seals cookies is drawn
// at its start.
//
// Never done here: carrying an order out, keeping the audit log (raftfsm).
//
// The package starts no goroutine; Gate.Run is a loop of its owner's.
package operator
