package arch

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

// longFiles and longFunctions are the exceptions to the limits above, with the reason:
// a file by its path, a function as path:name or path:Type.name.
var (
	longFiles     = map[string]string{}
	longFunctions = map[string]string{}
)

// folders are the only ones at the root, besides hidden ones and bin, which make build writes.
var folders = []string{"cmd", "deployments", "internal", "openapi", "pkg", "test"}

// vague are names that say nothing about what a package owns.
var vague = []string{"common", "helper", "helpers", "misc", "model", "models", "shared", "type", "types", "util", "utils"}

// exact are the packages that handle amounts of money, which are text or whole minor
// units there: a binary fraction can't hold them.
var exact = []string{"internal/consent", "internal/service", "pkg/xs2a"}

func TestTopLevelFolders(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() && !strings.HasPrefix(name, ".") && name != "bin" {
			assert.Contains(t, folders, name, "no other folder at the top level")
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, f := range sources(t) {
		described[f.Package()] = described[f.Package()] || f.AST.Doc != nil
		if slices.Contains(vague, path.Base(f.Package())) {
			t.Errorf("%s: name the package after what it owns", f.Package())
		}
	}
	for pkg, ok := range described {
		assert.True(t, ok, "%s: no package comment: what does it own, what does it leave to others?", pkg)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	check := func(exceptions map[string]string, name string, lines, limit int) {
		_, excepted := exceptions[name]
		seen[name] = true
		switch {
		case lines > limit && !excepted:
			t.Errorf("%s has %d lines, more than %d: split it, or name it in shape_test.go with a reason", name, lines, limit)
		case lines <= limit && excepted:
			t.Errorf("%s has only %d lines and needs no exception any more", name, lines)
		}
	}
	for _, f := range sources(t) {
		if ast.IsGenerated(f.AST) {
			continue
		}
		check(longFiles, f.Path, f.Set.File(f.AST.Pos()).LineCount(), maxFileLines)
		for _, declaration := range f.AST.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok {
				check(longFunctions, f.Path+":"+functionName(function), f.Lines(function), maxFunctionLines)
			}
		}
	}
	for _, exceptions := range []map[string]string{longFiles, longFunctions} {
		for name, reason := range exceptions {
			assert.True(t, seen[name], "the exception %s names nothing", name)
			assert.NotEmpty(t, reason, "the exception %s needs a reason", name)
		}
	}
}

// functionName is "name" of a function, "Type.name" of a method.
func functionName(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return function.Name.Name
	}
	receiver := function.Recv.List[0].Type
	for {
		switch typed := receiver.(type) {
		case *ast.StarExpr:
			receiver = typed.X
		case *ast.IndexExpr: // one type parameter
			receiver = typed.X
		case *ast.IndexListExpr: // several
			receiver = typed.X
		default:
			return fmt.Sprintf("%v.%s", receiver, function.Name.Name)
		}
	}
}

func TestMoneyIsNoFloat(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if !slices.ContainsFunc(exact, func(pkg string) bool { return within(f.Package(), pkg) }) {
			continue
		}
		ast.Inspect(f.AST, func(node ast.Node) bool {
			if name, ok := node.(*ast.Ident); ok && (name.Name == "float32" || name.Name == "float64") {
				t.Errorf("%s: %s: amounts are text or whole minor units", f.Set.Position(name.Pos()), name.Name)
			}
			return true
		})
	}
}
