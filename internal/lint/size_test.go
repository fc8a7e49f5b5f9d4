package lint

import (
	"fmt"
	"go/ast"
	"testing"
)

const (
	longestFile     = 400 // lines
	longestFunction = 60  // lines, from func to the closing brace
)

func TestFilesTellOneStory(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		for _, f := range p.files {
			if n := f.lines(f.ast); n > longestFile {
				findings[f.path] = fmt.Sprintf("%d lines, at most %d", n, longestFile)
			}
		}
	}
	exceptions{}.check(t, findings)
}

func TestFunctionsFitOnAScreen(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		for _, f := range p.files {
			for _, fn := range functions(f) {
				if n := f.lines(fn); n > longestFunction {
					findings[p.path+"."+nameOf(fn)] = fmt.Sprintf("%d lines at %s, at most %d", n, f.line(fn), longestFunction)
				}
			}
		}
	}
	exceptions{}.check(t, findings)
}

// functions are the functions and methods that a file declares.
func functions(f goFile) []*ast.FuncDecl {
	var all []*ast.FuncDecl
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			all = append(all, fn)
		}
	}
	return all
}

// nameOf is a function's name, with its receiver's type in front.
func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	return receiver(fn.Recv.List[0].Type) + "." + fn.Name.Name
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
