package elsewhere

import (
	"os"
	"testing"

	"golang.org/x/tools/go/packages"
)

func TestEveryFileIsWellTypedOnOtherSystems(t *testing.T) {
	for _, on := range [][2]string{{"darwin", "arm64"}, {"linux", "arm64"}} {
		t.Run(on[0]+"/"+on[1], func(t *testing.T) {
			all, err := packages.Load(&packages.Config{
				Mode:  packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedImports | packages.NeedDeps,
				Dir:   "../../..",
				Env:   append(os.Environ(), "CGO_ENABLED=0", "GOOS="+on[0], "GOARCH="+on[1]),
				Tests: true,
			}, "tandem/...")
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				t.Fatal("no package was read")
			}
			for _, p := range all {
				for _, e := range p.Errors {
					t.Error(e)
				}
			}
		})
	}
}
