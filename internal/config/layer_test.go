package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// problems writes problems one to a line.
func problems(found []Problem) string {
	var lines []string
	for _, p := range found {
		lines = append(lines, p.String()+"\n")
	}
	return strings.Join(lines, "")
}

func TestFromEnvironment(t *testing.T) {
	layer := FromEnvironment([]string{
		"PATH=/bin",
		"FELIX_IPV6SUPPORT=false",
		"FELIX_LogPrefix=a=b",
		"felix_vxlanport=4790",
		"FELIX_HEALTHPORT=",
		"FELIX_",
		"FELIX_NAMEONLY",
		"NOTFELIX_VXLANVNI=1",
		"",
		"=",
		"FELIX_DebugPort=1",
		"FELIX_DEBUGPORT=2",
		"FELIX_debugport=2",
	})
	want := map[string]any{
		"IPV6SUPPORT": "false", "LOGPREFIX": "a=b", "VXLANPORT": "4790", "HEALTHPORT": "", "NAMEONLY": "", "DEBUGPORT": "2",
	}
	if diff := cmp.Diff(want, layer.Values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantProblems := `environment: FELIX_DebugPort = "1": FELIX_DEBUGPORT is set in another spelling too, which counts` + "\n"
	if got := problems(layer.Problems); got != wantProblems {
		t.Errorf("%s want %s", got, wantProblems)
	}
}

func TestParseFile(t *testing.T) {
	layer := ParseFile("felix.cfg", []byte("\ufeff"+`# Felix's settings
[global]
VXLANPort = 4790
  ipv6support=false   ; a comment
LogPrefix = "pod; denied # here"   # another comment
LogSeverityScreen: debug
DeviceRouteSourceAddressIPv6 = fd00::1
MTUIfacePattern = ^a;b#c
HealthHost =
InterfacePrefix = 'cali'
DebugPort = 1
debugport = 2
FilesDirectory = "unfinished
what is this
= 5
[unclosed
`+"\r\nHealthPort = 9098\r\n"))
	want := map[string]any{
		"VXLANPort": "4790", "ipv6support": "false", "LogPrefix": "pod; denied # here", "LogSeverityScreen": "debug",
		"DeviceRouteSourceAddressIPv6": "fd00::1", "MTUIfacePattern": "^a;b#c", "HealthHost": "", "InterfacePrefix": "cali",
		"debugport": "2", "FilesDirectory": `"unfinished`, "HealthPort": "9098",
	}
	if diff := cmp.Diff(want, layer.Values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const line = "is neither Name = value, nor a [section], nor a comment\n"
	wantProblems := `file felix.cfg: DebugPort = "1": stands in the file twice; the last one counts
file felix.cfg: what is this: ` + line + `file felix.cfg: = 5: ` + line + `file felix.cfg: [unclosed: ` + line
	if got := problems(layer.Problems); got != wantProblems {
		t.Errorf("got:\n%swant:\n%s", got, wantProblems)
	}
}

func TestFromDatastore(t *testing.T) {
	port := func(n float64) map[string]any { return map[string]any{"vxlanPort": n} }
	selecting := func(selector any, n float64) map[string]any {
		return map[string]any{"vxlanPort": n, "nodeSelector": selector}
	}
	objects := []FelixConfiguration{
		{"default", selecting("all()", 1)},
		{"node.a", port(2)},
		{"node.b", port(3)},
		{"racks", selecting("rack == 'r1'", 4)},
		{"others", selecting("rack == 'r2'", 5)},
		{"broken", selecting("rack ==", 6)},
		{"lost", port(7)},
		{"odd", selecting(8.0, 8)},
		{"empty", nil},
	}
	layers := FromDatastore(objects, "a", func(selector string) (bool, error) {
		if selector == "rack ==" {
			return true, errors.New("ends too early")
		}
		return selector == "rack == 'r1'", nil
	})
	var got, reported []string
	for _, l := range layers {
		for field := range l.Values {
			got = append(got, l.where()+" "+field)
		}
		for _, p := range l.Problems {
			reported = append(reported, p.String())
		}
	}
	if diff := cmp.Diff([]string{
		"FelixConfiguration default vxlanPort", "FelixConfiguration node.a vxlanPort", "FelixConfiguration racks vxlanPort",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	const lost = `is no selector, and the object is neither "default" nor "node.<name>": it has no effect`
	if diff := cmp.Diff([]string{
		`FelixConfiguration broken: nodeSelector = "rack ==": ends too early`,
		`FelixConfiguration lost: nodeSelector: ` + lost,
		`FelixConfiguration odd: nodeSelector = "8": ` + lost,
		`FelixConfiguration empty: nodeSelector: ` + lost,
	}, reported); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if objects[0].Spec["nodeSelector"] == nil {
		t.Error("FromDatastore changed the object that it was given")
	}
}

func TestNearest(t *testing.T) {
	table := NewTable()
	for word, want := range map[string]string{
		"IPV6SUPORT":         "Ipv6Support",
		"IPV6_SUPPORT":       "Ipv6Support",
		"VXLANPROT":          "VXLANPort",
		"WIREGUARDENABLEV6":  "WireguardEnabledV6",
		"LOGSEVERITYSCREN":   "LogSeverityScreen",
		"HEALTHENABLED":      "HealthEnabled",
		"SOMETHINGELSE":      "",
		"":                   "",
		"X":                  "",
		"BPFENABLEDD":        "BPFEnabled",
		"NATOUTGOINGADDRES6": "NATOutgoingAddress", // one letter from it, more from …IPv6
	} {
		if got := table.nearestName(word); got != want {
			t.Errorf("nearest to %s is %q, want %q", word, got, want)
		}
	}
}

// TestReportsAreOneLine: names and values as hostile as they come.
func TestReportsAreOneLine(t *testing.T) {
	layers := []Layer{
		FromEnvironment([]string{"FELIX_A\nB=1\n2", "FELIX_" + strings.Repeat("x", 1<<16) + "=1", "FELIX_LOGPREFIX=a\nb"}),
		ParseFile("felix.cfg", []byte("what\tis\x00this\n")),
	}
	got := problems(NewTable().Resolve(layers, nil).Problems)
	want := `environment: "FELIX_A\nB" = "1\n2": no such setting
environment: FELIX_` + strings.Repeat("X", 194) + `… = "1": no such setting
environment: FELIX_LOGPREFIX = "a\nb": must be UTF-8 without control characters; calico-packet holds
file felix.cfg: "what\tis\x00this": is neither Name = value, nor a [section], nor a comment
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
