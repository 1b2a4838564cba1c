// Package rules says what HTTP lets a shared cache do: what an answer may be
// stored for, for how long, and to whom it may be given (RFC 9111, with the
// targeted fields of RFC 9213 and the stale ones of RFC 5861); what a request
// gets of a copy (conditions and ranges, RFC 9110 sections 13 and 14); what is
// said of it (Cache-Status, RFC 9211); and by which key a request finds it.
//
// Always true:
//   - what an answer says is judged in one place (Of), what a request gets for an
//     object in one (PlanFor), for loops and goroutines alike;
//   - nobody is given an answer that is for another one alone;
//   - of an object both members of a pair say the same: validator and other fields
//     travel with the copy as they came (Describe);
//   - parts of an object are joined only under one strong validator; where an
//     origin gives none, one is made, once a fill (MadeTag).
//
// Pure: no clock, no network, no lock; now is an argument. It starts no goroutine.
package rules
