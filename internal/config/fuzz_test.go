package config

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// sorted sorts in place and returns the list.
func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// FuzzValue gives any text to every setting. What is taken must come back from its
// canonical text unchanged, and what is refused must leave the field as it was.
func FuzzValue(f *testing.F) {
	for _, s := range NewTable().all {
		f.Add(s.Default)
	}
	for _, seed := range []string{
		"none", "true", "-1", "0x10", "1e9", "90s", "1:2", "tcp:[fd00::/8]:22", "fe80::1%eth0", "::ffff:1.2.3.4",
		"1-2,3-4", "/a{2,}/,eth0", "a=5,b=6s", "10/second", "[::]", "+", ",,", "\x00", "\xff",
	} {
		f.Add(seed)
	}
	table := NewTable()
	f.Fuzz(func(t *testing.T, text string) {
		if strings.TrimSpace(text) == "" {
			return // is unset, and gets to no setting
		}
		for _, s := range table.all {
			values := table.Defaults()
			before := s.Value.text(&values)
			if err := s.Value.assign(&values, text); err != nil {
				if s.Value.text(&values) != before {
					t.Errorf("%s: refused %q changed the value", s.Name, text)
				}
				continue
			}
			canonical := s.Value.text(&values)
			var again Settings
			if err := s.Value.assign(&again, canonical); err != nil || s.Value.text(&again) != canonical {
				t.Errorf("%s: %q reads as %q, and that as %q (%v)", s.Name, text, canonical, s.Value.text(&again), err)
			}
			if strings.ContainsAny(canonical, "\n\r\t") {
				t.Errorf("%s: %q would break the printed table", s.Name, canonical)
			}
		}
	})
}

// FuzzFile gives any content as felix.cfg: no panic, and no name or value with a line
// break in it.
func FuzzFile(f *testing.F) {
	f.Add("[global]\nVXLANPort = 4789\nLogPrefix = \"a # b\" ; c\n")
	f.Add("\ufeffA=1\r\na: 2\n=\n[\n[]\n\"=\"\n# \n")
	table := NewTable()
	f.Fuzz(func(t *testing.T, content string) {
		layer := ParseFile("felix.cfg", []byte(content))
		for name, value := range layer.Values {
			if name == "" || strings.Contains(name+value.(string), "\n") {
				t.Errorf("%q = %q", name, value)
			}
		}
		resolveTwice(t, table, layer)
	})
}

// FuzzEnvironment gives any variable.
func FuzzEnvironment(f *testing.F) {
	f.Add("FELIX_VXLANPORT=4789", "FELIX_IPV6SUPPORT=x")
	f.Add("felix_=", "FELIX_A")
	table := NewTable()
	f.Fuzz(func(t *testing.T, one, other string) {
		resolveTwice(t, table, FromEnvironment([]string{one, other}))
	})
}

// FuzzSpec gives any JSON object as the spec of a FelixConfiguration.
func FuzzSpec(f *testing.F) {
	f.Add(`{"ipv6Support": true, "vxlanPort": 1, "failsafeInboundHostPorts": [{"protocol": "tcp", "port": 22, "net": "fd00::/8"}]}`)
	f.Add(`{"routeTableRanges": [{"min": 1}, []], "healthTimeoutOverrides": [{"name": "a", "timeout": "1s"}], "nodeSelector": 7}`)
	f.Add(`{"externalNodesList": ["fd00::/8", null, {}], "natPortRange": 1e99, "bpfLogFilters": {"a": []}}`)
	table := NewTable()
	f.Fuzz(func(t *testing.T, text string) {
		var spec map[string]any
		if json.Unmarshal([]byte(text), &spec) != nil {
			return
		}
		all := func(string) (bool, error) { return true, nil }
		for _, name := range []string{"default", "node.a", "x"} {
			for _, layer := range FromDatastore([]FelixConfiguration{{name, spec}}, "a", all) {
				resolveTwice(t, table, layer)
			}
		}
	})
}

// resolveTwice resolves a layer, and again with the outcome: nothing may change, and
// there may be no news.
func resolveTwice(t *testing.T, table *Table, layer Layer) {
	first := table.Resolve([]Layer{layer}, nil)
	second := table.Resolve([]Layer{layer}, first)
	if changes := Diff(first, second); len(changes) > 0 || len(second.Fresh) > 0 {
		t.Errorf("the same again changes %v, with news %v", changes, second.Fresh)
	}
	for _, p := range first.Problems {
		if strings.Contains(p.String(), "\n") {
			t.Errorf("a report of several lines: %q", p.String())
		}
	}
}
