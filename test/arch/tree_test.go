package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	root   = "../.."
	module = "consentd/"
)

// file is a Go file that is not a test.
type file struct {
	Path string // from the root, with slashes
	AST  *ast.File
	Set  *token.FileSet
}

// Package is the import path of the file's package without the module's: "internal/consent".
func (f file) Package() string { return path.Dir(f.Path) }

// Imports lists what the file imports; a package of this module without the module's path.
func (f file) Imports() []string {
	var imports []string
	for _, spec := range f.AST.Imports {
		imports = append(imports, strings.TrimPrefix(strings.Trim(spec.Path.Value, `"`), module))
	}
	return imports
}

// Lines tells how many lines a piece of the file takes.
func (f file) Lines(node ast.Node) int {
	return f.Set.Position(node.End()).Line - f.Set.Position(node.Pos()).Line + 1
}

// sources parses every Go file of the module but its tests.
func sources(t *testing.T) []file {
	t.Helper()
	var files []file
	set := token.NewFileSet()
	require.NoError(t, filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && foreign(name) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		files = append(files, file{Path: filepath.ToSlash(relative), AST: parsed, Set: set})
		return nil
	}))
	return files
}

// foreign tells directories whose Go files are not this module's.
func foreign(dir string) bool {
	name := filepath.Base(dir)
	if strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
