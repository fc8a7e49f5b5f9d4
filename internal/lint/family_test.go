package lint

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// six finds the part of a name that says IPv6.
var six = regexp.MustCompile(`I?[Pp]?[Vv]6`)

// twinOf is the name that differs only by saying IPv4.
func twinOf(name string) string {
	return six.ReplaceAllStringFunc(name, func(s string) string { return strings.Replace(s, "6", "4", 1) })
}

// Code for one family beside the same code for the other is what family.Family is there to spare.
func TestNoTwinsOfOneFamily(t *testing.T) {
	findings := make(map[string]string)
	for _, p := range tree(t) {
		if p.path == "api" || strings.HasPrefix(p.path, "api/") {
			continue // Calico's own fields
		}
		declared := declarations(p)
		for name, where := range declared {
			if !six.MatchString(name) {
				continue
			}
			if twin := twinOf(name); declared[twin] != "" {
				findings[p.path+"."+name] = "has a twin " + twin + " (" + where + ")"
			}
		}
	}
	exceptions{
		"internal/family.V6":                 "the family itself",
		"internal/nftables/nft.TypeIPv6Addr": "nft's own name of a type, ipv6_addr",
	}.check(t, findings)
}

// declarations are the functions, methods, types, fields, constants and variables of a package:
// name and place. A method or field has its type's name in front.
func declarations(p goPackage) map[string]string {
	found := make(map[string]string)
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				found[nameOf(d)] = f.line(d)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					declare(f, s, found)
				}
			}
		}
	}
	return found
}

func declare(f goFile, s ast.Spec, found map[string]string) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			found[name.Name] = f.line(name)
		}
	case *ast.TypeSpec:
		found[s.Name.Name] = f.line(s)
		if fields := fieldsOf(s.Type); fields != nil {
			for _, field := range fields.List {
				for _, name := range field.Names {
					found[s.Name.Name+"."+name.Name] = f.line(name)
				}
			}
		}
	}
}

// fieldsOf are the fields of a struct or the methods of an interface.
func fieldsOf(e ast.Expr) *ast.FieldList {
	switch e := e.(type) {
	case *ast.StructType:
		return e.Fields
	case *ast.InterfaceType:
		return e.Methods
	}
	return nil
}

func TestTwinsAreKnownByName(t *testing.T) {
	for name, want := range map[string]string{
		"addRouteV6": "addRouteV4", "IPv6Nets": "IPv4Nets", "v6": "v4", "tableIPV6Name": "tableIPV4Name",
	} {
		if got := twinOf(name); got != want {
			t.Errorf("twin of %s is %s, want %s", name, got, want)
		}
	}
	if six.MatchString("Base64") {
		t.Error("Base64 says IPv6")
	}
}
