package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"testing"
)

func TestNothingHappensOnImport(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		for _, f := range p.files {
			for _, fn := range functions(f) {
				if fn.Name.Name == "init" && fn.Recv == nil {
					findings[f.line(fn)] = "init() runs before anybody asked"
				}
			}
		}
	}
	exceptions{}.check(t, findings)
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		documented := func(f goFile) bool { return f.ast.Doc != nil }
		if len(p.files) > 0 && !slices.ContainsFunc(p.files, documented) {
			findings[p.path] = "no package comment"
		}
	}
	exceptions{}.check(t, findings)
}

// A package's variable that a function writes to is state that all its users share.
func TestPackagesHaveNoState(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		variables := packageVariables(p)
		for _, f := range p.files {
			for _, fn := range functions(f) {
				for _, written := range writtenIn(fn, variables) {
					findings[p.path+"."+written] = "a package's variable is written to in " + nameOf(fn)
				}
			}
		}
	}
	exceptions{}.check(t, findings)
}

// packageVariables are the variables declared outside functions, by name.
func packageVariables(p goPackage) map[string]*ast.ValueSpec {
	variables := make(map[string]*ast.ValueSpec)
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			general, ok := d.(*ast.GenDecl)
			if !ok || general.Tok != token.VAR {
				continue
			}
			for _, s := range general.Specs {
				spec := s.(*ast.ValueSpec)
				for _, name := range spec.Names {
					variables[name.Name] = spec
				}
			}
		}
	}
	return variables
}

// writtenIn are the package's variables that a function assigns to, as a whole or in part.
func writtenIn(fn *ast.FuncDecl, variables map[string]*ast.ValueSpec) []string {
	var written []string
	note := func(e ast.Expr) {
		id := rootOf(e)
		if id == nil || variables[id.Name] == nil {
			return
		}
		// The parser resolves what the file itself declares; the rest of the package it does not.
		//lint:ignore SA1019 go/types would need every dependency's export data for this one question
		if id.Obj == nil || id.Obj.Decl == variables[id.Name] {
			written = append(written, id.Name)
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					note(e)
				}
			}
		case *ast.IncDecStmt:
			note(n.X)
		}
		return true
	})
	return written
}

// rootOf is the variable that an expression to be assigned to belongs to.
func rootOf(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return rootOf(e.X)
	case *ast.IndexExpr:
		return rootOf(e.X)
	case *ast.ParenExpr:
		return rootOf(e.X)
	}
	return nil
}

// clockCalls are the places where a file reads the time or waits for it.
func clockCalls(f goFile) []string {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	var calls []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, s.Sel.Name) {
				calls = append(calls, f.line(s)+": time."+s.Sel.Name)
			}
		}
		return true
	})
	return calls
}
