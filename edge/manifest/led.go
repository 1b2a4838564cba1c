package manifest

// lead makes what every viewer gets, where that is one body and need not be large:
// what an entry costs stays within 4 times its size.
func (e *Entry) lead() {
	edits, up := e.Edits(), e.Up()
	switch n := edits.Size(up); {
	case edits.Count() == 0:
		e.led = e.Body()
	case up != "" && e.Manifest.Cost()+n <= 4*int64(len(e.Body()))+smallest:
		e.led = edits.Append(make([]byte, 0, n), e.Body(), up)
	}
}

// Led is the body that every viewer gets, its URIs led into whatever session it is
// asked for in, not to be changed; nil: it is made on the way to each of them.
func (e *Entry) Led() []byte { return e.led }

// Prefix is what URIs are led with in a session that has a prefix.
func (e *Entry) Prefix(session string) string {
	if up := e.Up(); up != "" {
		return up
	}
	return session
}
