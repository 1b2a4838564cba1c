// Package files keeps the bodies of a store's objects: a file each, below a directory that
// one process has.
//
// Always true:
//   - a file's number is given away once while a record or a file may bear it, and while
//     anybody may hold the file it is among the owned ones, from before the file exists until
//     it is removed;
//   - all who read a file share one descriptor, which is open while anybody has it pinned;
//   - of the descriptors that nobody uses no more than the limit stay open;
//   - nobody but the owner of the process reads what lies here;
//   - after Close nothing is opened and nothing removed: the directory may be another's.
//
// Guarded by: File.mu its descriptor, descriptors.mu the order of the open ones, numbers.mu
// what is owned, writable.mu how writing went, Dir.mu that nobody is at a file while the
// directory is let go.
//
// May be lost: what was not synced (File.Pin, Sync of the file; Dir.Sync of its directory's entry).
//
// Never done here: which object a file is of, when it may go, how many bytes there may be
// (segstore); what of it is certain (segstore/index).
//
// Goroutines: none; Watch is a loop of its caller's.
package files
