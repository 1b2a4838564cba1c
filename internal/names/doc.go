// Package names dials nodes by their names, also while nobody can say what a name means: by
// a name server that is down, or does not answer, a cluster that runs loses nobody.
//
// Always true: a name that is looked up counts as it is found; where that fails, or takes
// longer than a dial may wait for it, the address counts at which the host answered last.
//
// Guarded by: known and a Resolver have a mutex each; names mean the same to all of a process.
//
// Never done here: who answers at an address is not judged; nodes prove who they are.
//
// Goroutines: a look-up of Resolver.Find has one, which ends after 5 s at the latest.
package names
