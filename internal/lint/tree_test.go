package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the import path in front of every package of the tree.
const module = "github.com/margay-net/margay/"

// goPackage is a package of the tree, its tests left out.
type goPackage struct {
	path    string // below module: "internal/family"
	imports []string
	files   []goFile
}

// goFile is a source file that was written by hand.
type goFile struct {
	path string // from the top of the tree
	set  *token.FileSet
	ast  *ast.File
}

// line is where a node stands, as an editor takes it.
func (f goFile) line(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.set.Position(n.Pos()).Line)
}

// lines is how many lines a node takes.
func (f goFile) lines(n ast.Node) int {
	return f.set.Position(n.End()).Line - f.set.Position(n.Pos()).Line + 1
}

// modules are the modules of the tree, by their directories, less test/e2e/components: to look at it
// is to fetch all of Kubernetes.
var modules = []string{".", "test/e2e"}

// tree reads all packages of the modules.
func tree(t *testing.T) []goPackage {
	t.Helper()
	var packages []goPackage
	for _, directory := range modules {
		packages = append(packages, packagesOf(t, directory)...)
	}
	return packages
}

// packagesOf reads the packages of one module.
func packagesOf(t *testing.T, in string) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,GoFiles", "./...")
	list.Dir = filepath.Join("..", "..", in)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir string
			Imports         []string
			GoFiles         []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		read := goPackage{path: strings.TrimPrefix(p.ImportPath, module), imports: p.Imports}
		for _, name := range p.GoFiles {
			if f, ok := readFile(t, filepath.Join(p.Dir, name), read.path+"/"+name); ok {
				read.files = append(read.files, f)
			}
		}
		packages = append(packages, read)
	}
}

// readFile parses a file; not ok if it is generated.
func readFile(t *testing.T, name, path string) (f goFile, ok bool) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return goFile{path, set, parsed}, !ast.IsGenerated(parsed)
}

// exceptions to a rule, with their reasons.
type exceptions map[string]string

// check reports every finding that is no exception, and every exception that was not found.
func (e exceptions) check(t *testing.T, findings map[string]string) {
	t.Helper()
	for _, what := range sorted(findings) {
		if e[what] == "" {
			t.Errorf("%s: %s", what, findings[what])
		}
	}
	for _, what := range sorted(e) {
		if _, found := findings[what]; !found {
			t.Errorf("%s: is no exception any more, take it off the list", what)
		}
	}
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
