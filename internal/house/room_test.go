package house

import (
	"go/ast"
	"testing"
)

const (
	maxMethods = 40   // of a type
	maxFiles   = 25   // of a package, its tests aside
	maxRoom    = 3000 // lines of a package, likewise
)

// wide are the types and packages that are larger, each with its reason.
var wide = map[string]string{
	"cmd/tandem": "a file for each subcommand",
}

func TestTypesAndPackagesAreNarrow(t *testing.T) {
	methods, files, lines := map[string]int{}, map[string]int{}, map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		files[s.room]++
		lines[s.room] += s.lines
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil {
				methods[s.room+"."+receiver(f.Recv.List[0].Type)]++
			}
		}
	}
	used := map[string]bool{}
	excused := func(name string) bool {
		_, ok := wide[name]
		used[name] = used[name] || ok
		return ok
	}
	for name, n := range methods {
		if n > maxMethods && !excused(name) {
			t.Errorf("%s has %d methods; %d at most", name, n, maxMethods)
		}
	}
	for room, n := range files {
		if (n > maxFiles || lines[room] > maxRoom) && !excused(room) {
			t.Errorf("%s has %d files and %d lines; %d and %d at most", room, n, lines[room], maxFiles, maxRoom)
		}
	}
	for name := range wide {
		if !used[name] {
			t.Errorf("%s is narrow enough by now; its row in the list can go", name)
		}
	}
}

// receiver is the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	default:
		return "?"
	}
}
