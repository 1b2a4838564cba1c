// Package proxied finds out who asks when a proxy stands before this process: by the
// header of the PROXY protocol, versions 1 and 2, that such a proxy begins a connection
// with, and by X-Forwarded-For or Forwarded (RFC 7239) in its requests.
//
// Always true:
//   - only what comes from the networks that the operator has named is believed, and of
//     a list of addresses only what such a proxy has added: the client is the last one
//     that is no proxy of ours;
//   - a header is read one way or the connection ends; whether there is one is never
//     guessed: from a named network it has to come;
//   - what a stranger has written into a field before does not reach into what such a
//     proxy adds; where a proxy has added what is no address, it is the client itself.
//
// Pure: no sockets, no clock, no goroutines; bounded by what it is given.
package proxied
