package house

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

const (
	maxLines    = 400 // of a file
	maxFunction = 60  // lines of a function, its comment aside
)

// long are the files and functions that may be longer, each with its reason.
var long = map[string]string{
	"edge/edge_test.go": "one table of stories over one fake origin",
}

// nobody's names: a file is named for what it does.
var namesOfNothing = []string{"util", "utils", "common", "helpers", "helper", "misc", "manager", "shared", "types", "base"}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	used := map[string]bool{}
	excused := func(name string) bool {
		_, ok := long[name]
		used[name] = used[name] || ok
		return ok
	}
	for _, s := range sources(t) {
		if s.lines > maxLines && !excused(s.path) {
			t.Errorf("%s has %d lines; %d at most", s.path, s.lines, maxLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			lines := s.set.Position(f.Body.Rbrace).Line - s.set.Position(f.Pos()).Line - 1
			if lines > maxFunction && !excused(s.path+" "+f.Name.Name) && !excused(s.path) {
				t.Errorf("%s: %s has %d lines; %d at most", s.path, f.Name.Name, lines, maxFunction)
			}
		}
	}
	for name := range long {
		if !used[name] {
			t.Errorf("%s is short enough by now; its row in the list can go", name)
		}
	}
}

func TestFilesAreNamedForWhatTheyDo(t *testing.T) {
	for _, s := range sources(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		for _, name := range namesOfNothing {
			if base == name {
				t.Errorf("%s: the name says nothing", s.path)
			}
		}
	}
}

func TestEveryPackageBeginsWithItsTruths(t *testing.T) {
	rooms, docs := map[string]int{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		rooms[s.room]++
		if path.Base(s.path) == "doc.go" && s.file.Doc != nil {
			docs[s.room] = s.file.Doc.Text()
		}
	}
	for room, files := range rooms {
		doc, ok := docs[room]
		switch {
		case files == 1: // its truths stand at the head of its one file
		case !ok:
			t.Errorf("%s has no doc.go with a package comment", room)
		case room == "origin/sample" || strings.HasPrefix(room, "bench/"):
		case !strings.Contains(strings.ToLower(doc), "goroutine"):
			t.Errorf("%s/doc.go says nothing of goroutines", room)
		case !strings.Contains(strings.ToLower(doc), "always true"):
			t.Errorf("%s/doc.go does not say what is always true", room)
		}
	}
}
