package house

import (
	"go/ast"
	"strings"
	"testing"
)

// private are words of our own that gave way to the field's: on the right what it says.
var private = map[string]string{
	"bequest": "handoff", "carriage": "proxied response", "carrier": "proxy", "chore": "leader task", "chores": "leader tasks",
	"contest": "hedged request", "endure": "hedged request", "errand": "fetch request", "habits": "latency estimate", "heir": "successor",
	"heirs": "successors", "judge": "what is decided: verify, classify, check", "motionless": "stalled", "patience": "timeout",
	"relayplan": "fetch request", "seat": "session binding", "shunned": "backoff", "trickle": "below the minimum rate",
}

// excusedWords are names that mean something else there.
var excusedWords = map[string]string{
	"internal/fault/kind.go Trickle": "a fault of a network, as operators of fault proxies ask for it",
}

func TestNoPrivateWordComesBack(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			for _, name := range declared(n) {
				field, ok := private[strings.ToLower(name.Name)]
				if _, excused := excusedWords[s.path+" "+name.Name]; excused {
					used[s.path+" "+name.Name] = true
				} else if ok {
					t.Errorf("%s: %s; the field says %s", s.set.Position(name.Pos()), name.Name, field)
				}
			}
			return true
		})
	}
	for name := range excusedWords {
		if !used[name] {
			t.Errorf("%s is not there; its row in the list can go", name)
		}
	}
}

// declared are the names that a node declares, local variables aside.
func declared(n ast.Node) []*ast.Ident {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return []*ast.Ident{n.Name}
	case *ast.TypeSpec:
		return []*ast.Ident{n.Name}
	case *ast.ValueSpec:
		return n.Names
	case *ast.Field:
		return n.Names
	default:
		return nil
	}
}
