package house

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/obs"
)

// otherwise are the files that log texts which are not their own.
var otherwise = map[string]string{
	"internal/obs/log.go":     "the standard library's lines",
	"internal/obs/repeats.go": "a text with how often it came",
	"raftfsm/raftlog.go":      "hashicorp/raft's lines",
}

// TestEveryLogEventIsInTheTable: every text that is logged at info, warn or error has a
// row of that level in internal/obs, which says what it means, and every row a call.
func TestEveryLogEventIsInTheTable(t *testing.T) {
	all := sources(t)
	names := constants(all, "internal/obs")
	calls, fields, used := map[obs.Event]string{}, map[obs.Event]map[string]bool{}, map[string]bool{}
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			for _, l := range logged(d, names) {
				at := s.path + ":" + strconv.Itoa(s.set.Position(l.at).Line)
				switch _, excused := otherwise[s.path]; {
				case l.level == "debug":
				case excused:
					used[s.path] = true
				case l.message == "" || l.level == "":
					t.Errorf("%s logs what can't be looked up in docs/events.md: the message has to be a literal, the level info, warn or error; what varies is a field", at)
				default:
					e := obs.Event{By: logOf(s.path), Level: l.level, Message: l.message}
					if calls[e] = at; fields[e] == nil {
						fields[e] = map[string]bool{}
					}
					for _, f := range l.fields {
						fields[e][f] = true
					}
				}
			}
		}
	}
	rows := map[obs.Event]bool{}
	for _, e := range obs.Events() {
		if len(e.Means) < 20 || !strings.HasSuffix(e.Means, ".") || strings.Contains(e.Means+e.Message, "|") {
			t.Errorf("%q: %q is no sentence for a table", e.Message, e.Means)
		}
		said := e.Fields
		e.Means, e.Fields = "", ""
		if has := strings.Join(slices.Sorted(maps.Keys(fields[e])), " "); said != has {
			t.Errorf("%v has the fields %q; its row in internal/obs/events*.go says %q", e, has, said)
		}
		if rows[e] {
			t.Errorf("%v stands twice in internal/obs/events*.go", e)
		}
		rows[e] = true
		if calls[e] == "" {
			t.Errorf("nothing logs %v; its row in internal/obs/events*.go can go", e)
		}
	}
	for e, at := range calls {
		if !rows[e] {
			t.Errorf("%s logs %v, which has no row in internal/obs/events*.go", at, e)
		}
	}
	for path := range otherwise {
		if !used[path] {
			t.Errorf("%s logs no text of others; its row can go", path)
		}
	}
	if len(calls) < 90 {
		t.Fatalf("only %d log events were found: %v", len(calls), slices.Collect(maps.Values(calls)))
	}
}

// logOf is whose log a file's lines stand in.
func logOf(path string) string {
	for prefix, by := range map[string]string{"lb/": obs.ByBalancer, "raftfsm/": obs.ByBalancer, "edge/": obs.ByEdge, "segstore/": obs.ByEdge, "origin/": obs.ByOrigin} {
		if strings.HasPrefix(path, prefix) {
			return by
		}
	}
	return obs.ByAny
}

// constants are the texts of a room's constants, by name.
func constants(all []source, room string) map[string]string {
	texts := map[string]string{}
	for _, s := range all {
		if s.room != room || s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, name := range v.Names {
					texts[name.Name] = literal(v.Values[i])
				}
			}
			return true
		})
	}
	return texts
}

// literal is a text as it stands in the code; empty: it is none.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}

// line is one that is logged; what is empty can't be told from the code.
type line struct {
	level, message string
	fields         []string
	at             token.Pos
}

// logged lists the lines that a declaration logs; names are those of obs.
func logged(d ast.Decl, names map[string]string) (lines []line) {
	levels, fields := map[string][]string{}, map[string][]string{} // variable: what it is set to
	ast.Inspect(d, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i := range a.Lhs {
				if v, ok := a.Lhs[i].(*ast.Ident); ok {
					level, _ := begun(a.Rhs[i])
					if level != "" {
						levels[v.Name] = append(levels[v.Name], level)
					}
					fields[v.Name] = append(fields[v.Name], fieldsOf(a.Rhs[i])...)
				}
			}
		}
		return true
	})
	ast.Inspect(d, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok || len(c.Args) == 0 {
			return true
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok || s.Sel.Name != "Msg" && s.Sel.Name != "Msgf" {
			return true
		}
		message := literal(c.Args[0])
		if of, ok := c.Args[0].(*ast.SelectorExpr); ok && nameOf(of.X) == "obs" {
			message = names[of.Sel.Name]
		}
		if s.Sel.Name == "Msgf" {
			message = ""
		}
		level, variable := begun(s.X)
		with := append(fieldsOf(s.X), fields[variable]...)
		if found := levels[variable]; level == "" && len(found) > 0 {
			for _, level := range found {
				lines = append(lines, line{level, message, with, c.Pos()})
			}
			return true
		}
		lines = append(lines, line{level, message, with, c.Pos()})
		return true
	})
	return lines
}

// begun is the level by which a chain like log.Info().Str("a", b) begins, or the
// variable.
func begun(e ast.Expr) (level, variable string) {
	for {
		c, ok := e.(*ast.CallExpr)
		if !ok {
			return "", nameOf(e)
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return "", ""
		}
		switch s.Sel.Name {
		case "Debug", "Info", "Warn", "Error":
			if len(c.Args) == 0 {
				return strings.ToLower(s.Sel.Name), ""
			}
		}
		e = s.X
	}
}

// fieldsOf are those that a chain adds.
func fieldsOf(e ast.Expr) (fields []string) {
	for {
		c, ok := e.(*ast.CallExpr)
		if !ok {
			return fields
		}
		s, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return fields
		}
		if len(c.Args) == 1 && s.Sel.Name == "Err" {
			fields = append(fields, "error")
		} else if len(c.Args) == 2 {
			if name := literal(c.Args[0]); name != "" {
				fields = append(fields, name)
			}
		}
		e = s.X
	}
}

// nameOf is a name; empty: it is none.
func nameOf(e ast.Expr) string {
	if name, ok := e.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
