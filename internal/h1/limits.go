package h1

// Limits bound a head.
type Limits struct {
	Head   int // bytes in all
	Line   int // bytes of a request line without its CRLF (RFC 9112 3 asks for 8000 at least; signed addresses have more)
	Fields int
}

// What is taken of whom. A node behind another one takes more, by what is added on
// the way: a request or an answer that the first lets through is never refused by
// the second.
var (
	// Viewers is for requests of strangers.
	Viewers = Limits{Head: 48 << 10, Line: 16<<10 + 256, Fields: 100}
	// Behind is for requests by way of a balancer, which puts the session into the
	// target and says who asks.
	Behind = Limits{Head: 56 << 10, Line: 16<<10 + 1024, Fields: 124}
	// Origins is for answers of strangers, as far as they are given on.
	Origins = Limits{Head: 32 << 10, Fields: 500}
	// Edges is for answers of edges: the origin's, and what they say themselves. To
	// each other they tell the origin's fields once more, as they were, in base64.
	Edges = Limits{Head: 96 << 10, Fields: 540}
)

const (
	typicalCount = 16 // of fields, what browsers and players send: a list begins with room for these
	maxMethod    = 32 // bytes; the longest method that IANA knows has 17. 501 above (RFC 9112 3)
	maxEmpty     = 4  // lines before the request line; RFC 9112 2.2 asks for one
)
