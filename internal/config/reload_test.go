package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
)

func TestDiff(t *testing.T) {
	table := NewTable()
	none := table.Resolve(nil, nil)
	some := table.Resolve([]Layer{environment("IPV6SUPPORT=false", "NATOUTGOINGADDRESS=192.0.2.1", "VXLANPORT=4789")}, none)
	want := []Change{
		{Name: "Ipv6Support", Old: "true", New: "false"},
		{Name: "NATOutgoingAddress", Old: "", New: "192.0.2.1"},
	}
	if diff := cmp.Diff(want, Diff(none, some)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, Diff(nil, some)); diff != "" {
		t.Errorf("from nothing (-want +got):\n%s", diff)
	}
	if changes := Diff(some, table.Resolve([]Layer{
		felixConfiguration(Cluster, "default", map[string]any{"ipv6Support": false}),
		environment("NATOUTGOINGADDRESS=192.0.2.1"),
	}, some)); len(changes) != 0 {
		t.Errorf("a value from another place is no change: %v", changes)
	}
}

// TestEverythingReloads changes every setting that reloads, one by one, in a running
// agent: the value holds at once, and Diff names it alone.
func TestEverythingReloads(t *testing.T) {
	table := NewTable()
	start := table.Resolve(nil, nil)
	for _, row := range table.all {
		if row.Restart {
			continue
		}
		changed := start.Settings
		assignAny(row, &changed)
		text := row.Value.text(&changed)
		if text == row.Value.text(&start.Settings) { // the sample is the default
			text = "none"
			if row.Value.assignNone(&changed) != nil {
				text = map[string]string{"DefaultEndpointToHostAction": "ACCEPT", "NATOutgoingExclusions": "IPPoolsAndHostIPs",
					"IPForwarding": "Disabled", "NFTablesMode": "Disabled", "IptablesBackend": "NFT", "ChainInsertMode": "append",
					"PrometheusMetricsClientAuth": "RequireAnyClientCert", "NftablesFilterDenyAction": "REJECT",
					"WireguardBackend": "Userspace", "IptablesFilterDenyAction": "REJECT", "IptablesFilterAllowAction": "RETURN", "IptablesMangleAllowAction": "RETURN",
				}[row.Name]
			}
		}
		r := table.Resolve([]Layer{FromFlags(map[string]string{row.Name: text})}, start)
		changes := Diff(start, r)
		if len(changes) != 1 || changes[0].Name != row.Name || changes[0].Restart {
			t.Errorf("%s = %s: changes %v, problems %v", row.Name, text, changes, r.Problems)
		}
	}
}

// TestRestartOnlySettings: the running agent keeps its value, says so once, and a fresh
// start takes the new one.
func TestRestartOnlySettings(t *testing.T) {
	table := NewTable()
	file := func(node string) []Layer { return []Layer{ParseFile("felix.cfg", []byte("FelixHostname = "+node))} }
	start := table.Resolve(file("a"), nil)

	renamed := table.Resolve(file("b"), start)
	if renamed.Settings.Datastore.Node != "a" || renamed.Origin("FelixHostname") != "file felix.cfg" {
		t.Errorf("runs as %s from %s", renamed.Settings.Datastore.Node, renamed.Origin("FelixHostname"))
	}
	want := []Change{{Name: "FelixHostname", Old: "a", New: "b", Restart: true}}
	if diff := cmp.Diff(want, Diff(start, renamed)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := problems(renamed.Fresh), "FelixHostname = \"b\": takes a restart of the agent; until then a holds\n"; got != want {
		t.Errorf("%s want %s", got, want)
	}

	same := table.Resolve(file("b"), renamed)
	if len(same.Fresh) != 0 || len(Diff(renamed, same)) != 0 || same.Settings.Datastore.Node != "a" {
		t.Errorf("nothing changed: fresh %v, changes %v, node %s", same.Fresh, Diff(renamed, same), same.Settings.Datastore.Node)
	}

	unset := table.Resolve(nil, same)
	if want := []Change{{Name: "FelixHostname", Old: "b", New: "", Restart: true}}; !cmp.Equal(want, Diff(same, unset)) {
		t.Errorf("changes %v, want %v", Diff(same, unset), want)
	}

	back := table.Resolve(file("a"), unset)
	if len(back.Problems) != 0 || back.Settings.Datastore.Node != "a" {
		t.Errorf("taken back: %v, node %s", back.Problems, back.Settings.Datastore.Node)
	}
	if first := table.Resolve(file("b"), table.Resolve(nil, nil)); first.Origin("FelixHostname") != "built-in" {
		t.Errorf("the value that waits gives the origin: %s", first.Origin("FelixHostname"))
	}
	if restarted := table.Resolve(file("b"), nil); restarted.Settings.Datastore.Node != "b" {
		t.Errorf("after the restart the node is %s", restarted.Settings.Datastore.Node)
	}
}

// TestFamilies switches families off and on through FelixConfiguration.
func TestFamilies(t *testing.T) {
	table := NewTable()
	var r *Resolved
	for _, step := range []struct {
		v4, v6 any
		want   family.Set
	}{
		{nil, nil, family.Both},
		{true, false, family.NewSet(family.V4)},
		{false, true, family.NewSet(family.V6)},
		{false, false, 0},
		{nil, true, family.Both},
	} {
		r = table.Resolve([]Layer{felixConfiguration(Cluster, "default",
			map[string]any{"ipv4Support": step.v4, "ipv6Support": step.v6})}, r)
		if got := r.Settings.Families(); got != step.want {
			t.Errorf("IPv4 %v, IPv6 %v: %v, want %v", step.v4, step.v6, got, step.want)
		}
	}
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		environ string
		want    string
	}{
		{"", ""},
		{"DATASTORETYPE=files", "DatastoreType: files needs FilesDirectory (flag --manifests)"},
		{"DATASTORETYPE=files FILESDIRECTORY=/m", ""},
		{"IPV4SUPPORT=false IPV6SUPPORT=false", "Ipv4Support: both families are off: all traffic of pods is dropped"},
		{"IPV4SUPPORT=false", ""},
		{"IPV4NORMALROUTEPRIORITY=512", "IPv4ElevatedRoutePriority: must be lower than IPv4NormalRoutePriority for the route to win"},
		{"IPV6NORMALROUTEPRIORITY=100", "IPv6ElevatedRoutePriority: must be lower than IPv6NormalRoutePriority for the route to win"},
		{"VXLANPORT=51821", ""},
		{"VXLANPORT=51821 WIREGUARDENABLEDV6=true", "VXLANPort: is WireGuard's port for IPv6 too"},
		{"VXLANPORT=51821 WIREGUARDENABLED=true", ""},
		{"WIREGUARDENABLED=true WIREGUARDENABLEDV6=true WIREGUARDLISTENINGPORTV6=51820",
			"WireguardListeningPortV6: must differ from WireguardListeningPort: each device has a socket of its own"},
		{"WIREGUARDENABLED=true WIREGUARDENABLEDV6=true WIREGUARDINTERFACENAMEV6=wireguard.cali",
			"WireguardInterfaceNameV6: must differ from WireguardInterfaceName"},
		{"HEALTHPORT=9091", "PrometheusMetricsPort: is the same port as HealthPort, 9091"},
		{"HEALTHPORT=9091 HEALTHENABLED=false", ""},
		{"DEBUGPORT=9099", "DebugPort: is the same port as HealthPort, 9099"},
		{"HEALTHPORT=0 PROMETHEUSMETRICSPORT=0", ""},
	} {
		r := NewTable().Resolve([]Layer{environment(strings.Fields(c.environ)...)}, nil)
		var got []string
		for _, p := range r.Problems {
			if p.Kind == Conflicting {
				got = append(got, p.String())
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: %q, want %q", c.environ, got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	table := NewTable()
	start := table.Resolve([]Layer{FromNode(map[string]string{"FelixHostname": "a"})}, nil)
	r := table.Resolve([]Layer{
		ParseFile("/etc/calico/felix.cfg", []byte("FelixHostname = b")),
		environment("NATOUTGOINGADDRESS=192.0.2.1"),
		felixConfiguration(Node, "node.a", map[string]any{"ipv6Support": false}),
	}, start)
	var text strings.Builder
	if err := r.Describe(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if len(lines) != len(table.all)+2 {
		t.Errorf("%d lines for %d settings", len(lines), len(table.all))
	}
	got := map[string]string{}
	for _, l := range lines {
		name, rest, _ := strings.Cut(l, " ")
		got[name] = strings.Join(strings.Fields(rest), " ")
	}
	for name, want := range map[string]string{
		"SETTING":                "VALUE FROM",
		"FelixHostname":          "a detected (b after a restart)",
		"NATOutgoingAddress":     "192.0.2.1 environment",
		"NATOutgoingAddressIPv6": "none built-in",
		"Ipv6Support":            "false FelixConfiguration node.a",
		"HealthPort":             "9099 built-in",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if strings.Index(lines[0], "VALUE") != strings.Index(lines[1], "kubernetes") {
		t.Errorf("columns do not line up:\n%s\n%s", lines[0], lines[1])
	}
}

// TestDocs holds docs/configuration.md to the table.
func TestDocs(t *testing.T) {
	const file = "../../docs/configuration.md"
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), NewTable().Document()); diff != "" {
		t.Errorf("%s is out of date; run: go generate ./internal/config\n(-file +table):\n%s", file, diff)
	}
}

// TestDocumentIsWellFormed counts the cells of every table row.
func TestDocumentIsWellFormed(t *testing.T) {
	table, columns, rows := NewTable(), 0, 0
	for line := range strings.Lines(table.Document()) {
		line = strings.TrimSpace(strings.ReplaceAll(line, `\|`, ""))
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		cells := strings.Count(line, "|") - 1
		if columns == 0 {
			columns = cells
		}
		if cells != columns || !strings.HasSuffix(line, "|") || strings.Contains(line, "|  |") {
			t.Errorf("want %d filled cells: %s", columns, line)
		}
		if strings.HasPrefix(line, "| `FELIX_") {
			rows++
		}
	}
	if rows != len(table.byName) {
		t.Errorf("%d rows for %d settings", rows, len(table.byName))
	}
}
