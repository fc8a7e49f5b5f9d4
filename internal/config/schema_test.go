package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// schemaFields are the fields of the type that Schema writes, by JSON name: Go type and comment.
func schemaFields(t *testing.T) map[string][2]string {
	t.Helper()
	source, err := NewTable().Schema()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "settings.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][2]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok && f.Tag != nil {
			tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
			name, _, _ := strings.Cut(tag, ",")
			fields[name] = [2]string{string(source[f.Type.Pos()-1 : f.Type.End()-1]), f.Doc.Text() + comments(f.Doc)}
		}
		return true
	})
	return fields
}

func comments(g *ast.CommentGroup) string {
	var all []string
	for _, c := range g.List {
		all = append(all, c.Text)
	}
	return strings.Join(all, "\n")
}

func TestSchemaHasEverySettingOfAFelixConfiguration(t *testing.T) {
	fields := schemaFields(t)
	table := NewTable()
	for _, s := range table.all {
		if _, has := fields[s.Field]; has != (s.Field != "") {
			t.Errorf("%s: in the schema: %v", s.Name, has)
		}
		delete(fields, s.Field)
	}
	for name := range fields {
		t.Errorf("%s is in the schema and not in the table", name)
	}
}

func TestSchemaTypes(t *testing.T) {
	fields := schemaFields(t)
	for name, want := range map[string][2]string{
		"ipv6Support":                  {"*bool", ""},
		"vxlanEnabled":                 {"*bool", ""},
		"healthPort":                   {"*int64", "Maximum=65535"},
		"goGCThreshold":                {"*int64", "Minimum=-1"},
		"deviceRouteProtocol":          {"*int64", "Minimum=3"},
		"iptablesMarkMask":             {"*int64", "Maximum=4294967295"},
		"natPortRange":                 {"intstr.IntOrString", "XIntOrString"},
		"iptablesRefreshInterval":      {"string", "Pattern"},
		"deviceRouteSourceAddressIPv6": {"string", "family() == 6"},
		"logSeverityScreen":            {"string", "(TRACE|DEBUG|INFO|WARNING|ERROR|FATAL|none)?$"},
		"logActionRateLimit":           {"string", "second|minute"},
		"failsafeInboundHostPorts":     {"json.RawMessage", "PreserveUnknownFields"},
		"mtuIfacePattern":              {"string", ""},
	} {
		got, ok := fields[name]
		if !ok || got[0] != want[0] || !strings.Contains(got[1], want[1]) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestSchemaTakesDefaults holds the patterns of the schema against the built-in values: what holds without
// any FelixConfiguration can be written into one.
func TestSchemaTakesDefaults(t *testing.T) {
	pattern := regexp.MustCompile("Pattern=`(.*)`")
	fields := schemaFields(t)
	for _, s := range NewTable().all {
		if s.Field == "" {
			continue
		}
		if p := pattern.FindStringSubmatch(fields[s.Field][1]); p != nil && !regexp.MustCompile(p[1]).MatchString(s.Default) {
			t.Errorf("%s: the schema refuses the default %q", s.Field, s.Default)
		}
	}
}

func TestSchemaIsCurrent(t *testing.T) {
	want, err := NewTable().Schema()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../api/schema/settings.go"); err != nil || string(got) != string(want) {
		t.Errorf("api/schema/settings.go is not what the table says: run go generate ./api (%v)", err)
	}
}
