package placement

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// mark makes secrets that a test finds wherever they appear.
func mark(n byte) []byte { return bytes.Repeat([]byte{'S', 'e', 'C', '0' + n}, wire.KeySize/4) }

func key(p wire.Purpose, n byte) Command {
	return Command{Kind: KeyNew, Secret: &Secret{Purpose: p, Key: mark(n)}}
}

func named(kind Kind, p wire.Purpose, id uint8) Command {
	return Command{Kind: kind, Secret: &Secret{Purpose: p, KeyID: id}}
}

func (s *script) refused(c Command, code string) {
	s.t.Helper()
	before := fmt.Sprint(text(s.t, s.state.Placement()), s.state.secrets.Keys, s.state.secrets.Tickets)
	if r := s.do(c); r.Code != code || r.Changed {
		s.t.Fatalf("%s: %+v, want %s", c.Kind, r, code)
	}
	if after := fmt.Sprint(text(s.t, s.state.Placement()), s.state.secrets.Keys, s.state.secrets.Tickets); after != before {
		s.t.Fatalf("%s changed something:\n%s\n%s", c.Kind, before, after)
	}
}

// A key is made known before it seals, and opens after it has sealed: at no
// moment does anybody get a token that somebody else can't open.
func TestKeyIsKnownBeforeItSealsAndOpensAfterwards(t *testing.T) {
	s := four(t)
	s.must(key(wire.ForTokens, 1))
	tokens := func() wire.KeySet { return s.state.secrets.Keys.Tokens }
	if k := tokens(); k.Sealing != 1 || len(k.Keys) != 1 || s.state.Placement().Trust.Keys != s.state.Placement().Version {
		t.Fatalf("the first key: %v, placement says %+v", k, s.state.Placement().Trust)
	}
	s.refused(named(KeyDrop, wire.ForTokens, 1), "refused")
	s.must(key(wire.ForTokens, 2))
	if k := tokens(); k.Sealing != 1 || len(k.Keys) != 2 {
		t.Fatalf("a key seals before it is known: %v", k)
	}
	s.refused(key(wire.ForTokens, 3), "refused")
	s.refused(named(KeyUse, wire.ForTokens, 3), "stale")
	s.must(named(KeyUse, wire.ForTokens, 2))
	s.refused(named(KeyUse, wire.ForTokens, 2), "") // a second time changes nothing
	k := tokens()
	old, ok := k.Find(1)
	if !ok || k.Sealing != 2 || old.Ceased == 0 {
		t.Fatalf("after a rotation: sealing %d, the old one %+v, %v", k.Sealing, old.Ceased, ok)
	}
	s.must(named(KeyDrop, wire.ForTokens, 1))
	if k := tokens(); len(k.Keys) != 1 || !bytes.Equal(k.Keys[0].Secret, mark(2)) {
		t.Fatalf("after a drop: %v", k)
	}
	if d := s.state.secrets.Keys.Datagrams; len(d.Keys) != 0 {
		t.Fatalf("keys for another purpose: %v", d)
	}
	for _, bad := range []Command{{Kind: KeyNew}, {Kind: KeyUse}, key("nothing", 1), {Kind: KeyNew, Secret: &Secret{Purpose: wire.ForTokens, Key: []byte("short")}}} {
		s.refused(bad, "malformed")
	}
}

func TestKeysAreBoundedAndTheirNumbersGoRound(t *testing.T) {
	s := four(t)
	s.must(key(wire.ForTokens, 0))
	for i := range 600 {
		k := s.state.secrets.Keys.Tokens
		if len(k.Keys) == wire.MaxKeys {
			s.refused(key(wire.ForTokens, 1), "limit")
			s.must(named(KeyDrop, wire.ForTokens, k.Keys[i%2].ID))
		}
		s.must(key(wire.ForTokens, byte(i%10)))
		k = s.state.secrets.Keys.Tokens
		next, _ := k.Next()
		s.must(named(KeyUse, wire.ForTokens, next.ID))
	}
}

func TestStreamsAreNamedByAKeyOnce(t *testing.T) {
	s := four(t)
	s.must(Command{Kind: Place, Stream: "/before/", Pair: 1})
	if id := s.state.Placement().StreamID("/before/"); id != 0 {
		t.Fatal(id)
	}
	s.must(key(wire.ForStreams, 5))
	s.must(Command{Kind: Place, Stream: "/after/", Pair: 2})
	p := s.state.Placement()
	a, b := p.StreamID("/before/"), p.StreamID("/after/")
	if name, ok := p.StreamBy(a); a == 0 || b == 0 || a == b || !ok || name != "/before/" {
		t.Fatalf("%d, %d, %q", a, b, name)
	}
	s.refused(key(wire.ForStreams, 6), "refused")
	// More pairs, fewer pairs, another ring: a stream keeps its name.
	s.must(Command{Kind: Place, Stream: "/after/", Pair: 3})
	s.must(Command{Kind: Unplace, Stream: "/after/", Pair: 2})
	s.must(Command{Kind: Remove, Name: "e4"})
	s.must(Command{Kind: Left, Name: "e4", Version: s.state.Placement().Version})
	if again := s.state.Placement().StreamID("/after/"); again != b {
		t.Fatalf("%d, was %d", again, b)
	}
	other := four(t)
	other.must(key(wire.ForStreams, 7))
	other.must(Command{Kind: Place, Stream: "/after/", Pair: 2})
	if other.state.Placement().StreamID("/after/") == b {
		t.Fatal("two clusters give a stream one name: the key is not in it")
	}
}

func authorityOf(n byte, cluster string) Command {
	return Command{Kind: Authority, Secret: &Secret{Authority: mark(n), Root: fmt.Sprintf("root %d.", n), Cluster: cluster}}
}

func TestAuthorityTakesOverWithTwoRootsTrusted(t *testing.T) {
	s := four(t)
	roots := func(want string) {
		t.Helper()
		if got := s.state.Placement().Trust.Roots; got != want {
			t.Fatalf("trusted: %q, want %q", got, want)
		}
	}
	s.must(authorityOf(1, "one"))
	roots("root 1.")
	s.refused(authorityOf(1, "one"), "")
	s.refused(authorityOf(2, "two"), "refused")
	s.must(authorityOf(2, "one"))
	roots("root 1.root 2.")
	s.refused(authorityOf(3, "one"), "refused")
	s.refused(Command{Kind: AuthorityDrop}, "refused")
	if now, next := s.state.secrets.Authority, s.state.secrets.Next; !bytes.Equal(now, mark(1)) || !bytes.Equal(next, mark(2)) {
		t.Fatalf("%s issues, %s is next", now, next)
	}
	v := s.must(Command{Kind: AuthorityUse}).Version
	if now, next := s.state.secrets.Authority, s.state.secrets.Next; !bytes.Equal(now, mark(2)) || next != nil || s.state.Placement().Trust.Issuer != v {
		t.Fatalf("%s issues, %s is next, since %d", now, next, s.state.Placement().Trust.Issuer)
	}
	roots("root 1.root 2.")
	s.must(Command{Kind: AuthorityDrop})
	roots("root 2.")
	s.refused(Command{Kind: AuthorityDrop}, "")
}

func TestTicketIsGoodOnceAndForAWhile(t *testing.T) {
	s := four(t)
	id := strings.Repeat("a", 32)
	make := Command{Kind: TicketNew, Secret: &Secret{Ticket: &Ticket{ID: id, Role: "edge", Node: "e9", Expires: 1_000_100}}}
	use := func(id, key string) Command {
		return Command{Kind: TicketUse, Secret: &Secret{Ticket: &Ticket{ID: id, Key: key}}}
	}
	s.must(make)
	s.refused(use(strings.Repeat("b", 32), "k1"), "unknown")
	s.refused(use(id, ""), "malformed")
	used := s.must(use(id, "k1")).Version
	s.refused(use(id, "k1"), "") // the answer was lost: the same key may come again
	s.refused(use(id, "k2"), "refused")
	if tk, _ := s.state.secrets.ticket(id); tk.Used != used || tk.Key != "k1" {
		t.Fatalf("%+v", tk)
	}
	for len(s.log) < 101 { // the script's clock goes on by one a command
		s.do(Command{Kind: "nothing"})
	}
	s.refused(use(id, "k1"), "stale")
	make.Secret.Ticket.ID, make.Secret.Ticket.Expires = strings.Repeat("c", 32), 2_000_000
	s.must(make)
	if _, ok := s.state.secrets.ticket(id); ok {
		t.Fatal("an expired ticket is kept")
	}
	make.Secret.Ticket.ID, make.Secret.Ticket.Expires = strings.Repeat("d", 32), 5
	s.refused(make, "malformed")
}

func TestRevokedEdgeIsDownAndItsTicketsAreVoid(t *testing.T) {
	s := four(t)
	loads := full(s.state.Placement())
	id := strings.Repeat("a", 32)
	s.must(Command{Kind: TicketNew, Secret: &Secret{Ticket: &Ticket{ID: id, Role: "edge", Node: "e1", Expires: 2_000_000}}})
	v := s.must(Command{Kind: Revoke, Name: "e1", By: "operator", Loads: loads}).Version
	s.state4("down up up up")
	p := s.state.Placement()
	if p.Trust.RevokedUpTo()["e1"] != v || len(s.state.Deaths()) != 1 {
		t.Fatalf("%+v, deaths %+v", p.Trust, s.state.Deaths())
	}
	if _, ok := s.state.secrets.ticket(id); ok {
		t.Fatal("its ticket is good still")
	}
	s.must(Command{Kind: Revoke, Name: "a-balancer"})
	again := s.must(Command{Kind: Revoke, Name: "e1"}).Version
	if l := s.state.Placement().Trust.Revoked; len(l) != 2 || l[0].Node != "a-balancer" || l[1].Version != again {
		t.Fatalf("%+v", l)
	}
	s.refused(Command{Kind: Revoke, Name: "no name"}, "malformed")
}

// What is secret stands in the log and in snapshots, and nowhere that anybody is
// shown: not in a placement, an event, an answer, or a line that prints them.
func TestSecretsAreShownNowhere(t *testing.T) {
	s := four(t)
	s.must(key(wire.ForTokens, 1))
	s.must(key(wire.ForTokens, 2))
	s.must(key(wire.ForStreams, 3))
	s.must(authorityOf(4, "one"))
	s.must(Command{Kind: Place, Stream: "/after/", Pair: 2})
	c := key(wire.ForDatagrams, 5)
	r := s.must(c)
	s.refused(key(wire.ForTokens, 6), "refused")
	keys := s.state.secrets.Keys
	shown := text(t, s.state.Placement()) + fmt.Sprintf("%+v %v %#v %s %+v %#v %+v %+v", r, s.state.History(), s.state.Deaths(), c.Secret, c, c, keys, keys.Tokens.Keys[0])
	for n := range byte(7) {
		for _, form := range []string{string(mark(n)[:8]), fmt.Sprint(mark(n)[:8])[1:20], fmt.Sprintf("%x", mark(n)[:8]), "U2VD"} {
			if strings.Contains(shown, form) {
				t.Errorf("secret %d is shown: %s", n, shown)
			}
		}
	}
	if !bytes.Contains(imageOf(t, s.state), []byte("U2VD")) {
		t.Error("the snapshot does not hold it either")
	}
}

// What viewers have to be let into is told as a whole, and a list that contradicts
// itself changes nothing.
func TestWhatIsProtectedIsReplacedAsAWhole(t *testing.T) {
	s := four(t)
	protect := func(list ...wire.Protected) Command { return Command{Kind: Protect, Protected: list} }
	s.must(protect(wire.Protected{Prefix: "/a/"}, wire.Protected{Prefix: "/a/free/", Open: true}))
	s.must(key(wire.ForTokens, 1)) // another change keeps it
	if p := s.state.Placement().Trust.Protected; len(p) != 2 || !p[1].Open {
		t.Fatal(p)
	}
	s.refused(protect(wire.Protected{Prefix: "/b"}), "malformed")
	s.refused(protect(wire.Protected{Prefix: "/a/"}, wire.Protected{Prefix: "//a/"}), "malformed")
	s.refused(protect(wire.Protected{Prefix: "/a/"}, wire.Protected{Prefix: "/a/free/", Open: true}), "") // it is so already
	s.must(protect())
	if p := s.state.Placement().Trust.Protected; len(p) != 0 {
		t.Fatal(p)
	}
}
