// Package manifest keeps manifests as they were read: one parse for a stored
// version, whoever filled it and whoever asks, within a bounded number of bytes.
// Who rewrites, who wants to know where a session is and what it will ask for
// next, and who judges whether a live playlist may follow another, ask here.
//
// Always true:
//   - what is kept of a key is of the newest version that was asked for, and is
//     never mixed with another one's;
//   - a version is read once, however many ask for it at the same time;
//   - what is kept has at most Limit bytes, the newest manifest aside;
//   - a body that has a Content-Encoding is decoded up to the limit of a manifest
//     and no further.
//
// Guards: mu guards the entries and their order; a Manifest never changes.
//
// May be lost: all of it; it is read again from the store.
// Never done here: filling, changing the store.
//
// The package starts no goroutine.
package manifest
