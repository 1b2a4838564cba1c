package identity

import "errors"

// Why a certificate does not count.
var (
	ErrNone    = errors.New("no certificate was shown")
	ErrForeign = errors.New("the certificate is not of this cluster")
	ErrExpired = errors.New("the certificate has expired")
	ErrClock   = errors.New("the certificate is not valid yet")
	ErrRevoked = errors.New("the certificate is revoked")
	ErrRole    = errors.New("the certificate is for another role")
	ErrAddress = errors.New("the certificate does not name this address")
)

// Why a ticket gets no certificate.
var (
	ErrTicketForm    = errors.New("no ticket of this form")
	ErrTicketUnknown = errors.New("the ticket is not one of this cluster")
	ErrTicketUsed    = errors.New("the ticket has been used")
	ErrTicketExpired = errors.New("the ticket has expired")
)

// ErrFile is why a file or a message is not taken.
var ErrFile = errors.New("not what it should hold")
