// Package steady is a body whose rest somebody else can give while it stands still.
//
// Always true:
//   - what is read is one body: what takes another's place goes on where that one was;
//   - who is silent for a while and goes on before the other one has anything stays;
//   - the rest is asked for once, beside the one that is silent.
//
// Guarded by: a mutex; one goroutine reads, another one may close.
//
// May be lost: nothing is kept here.
// Never done here: deciding whether two bodies are the same object.
//
// A timer's goroutine asks for the rest; it ends with the request for that.
package steady
