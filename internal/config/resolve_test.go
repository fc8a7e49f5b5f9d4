package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
)

// environment is the layer of NAME=value pairs without their FELIX_.
func environment(pairs ...string) Layer {
	for i := range pairs {
		pairs[i] = EnvironmentPrefix + pairs[i]
	}
	return FromEnvironment(pairs)
}

// felixConfiguration is a layer from the datastore.
func felixConfiguration(source Source, name string, spec map[string]any) Layer {
	return Layer{Source: source, Name: name, Values: spec}
}

// TestPrecedence sets one port in more and more places, from the lowest up.
func TestPrecedence(t *testing.T) {
	port := func(n int) map[string]any { return map[string]any{"healthPort": n} }
	steps := []struct {
		layer Layer
		from  string
	}{
		{FromNode(map[string]string{"HealthPort": "1"}), "detected"},
		{felixConfiguration(Cluster, "default", port(2)), "FelixConfiguration default"},
		{felixConfiguration(Selected, "rack-b", port(3)), "FelixConfiguration rack-b"},
		{felixConfiguration(Selected, "rack-a", port(4)), "FelixConfiguration rack-a"},
		{felixConfiguration(Node, "node.a", port(5)), "FelixConfiguration node.a"},
		{ParseFile("felix.cfg", []byte("healthport = 6")), "file felix.cfg"},
		{environment("HEALTHPORT=7"), "environment"},
		{FromFlags(map[string]string{"HealthPort": "8"}), "command line"},
	}
	table := NewTable()
	var layers []Layer
	for i, step := range steps {
		layers = append(layers, step.layer)
		up := table.Resolve(layers, nil)
		down := table.Resolve(reversed(layers), nil)
		for _, r := range []*Resolved{up, down} {
			if got := r.Settings.Health.Port; got != uint16(i+1) || r.Origin("HealthPort") != step.from || len(r.Problems) > 0 {
				t.Errorf("port %d from %s, want %d from %s; %v", got, r.Origin("HealthPort"), i+1, step.from, r.Problems)
			}
		}
	}
}

func reversed[T any](list []T) []T {
	var r []T
	for i := range list {
		r = append(r, list[len(list)-1-i])
	}
	return r
}

// TestEmptyIsUnsetAndNoneIsNothing is Felix's rule for both.
func TestEmptyIsUnsetAndNoneIsNothing(t *testing.T) {
	lower := felixConfiguration(Cluster, "default", map[string]any{
		"natOutgoingAddress": "192.0.2.1", "logPrefix": "lower", "ipv6Support": true, "vxlanPort": 4790,
	})
	table := NewTable()
	r := table.Resolve([]Layer{lower, environment("NATOUTGOINGADDRESS=", "LOGPREFIX= ", "IPV6SUPPORT=", "VXLANPORT=")}, nil)
	if s := r.Settings; s.NAT.Address.Get(family.V4) != netip.MustParseAddr("192.0.2.1") || s.Policy.LogPrefix != "lower" ||
		s.Families() != family.Both || s.VXLAN.Port != 4790 {
		t.Errorf("an empty value overrides: %+v", s)
	}
	r = table.Resolve([]Layer{lower, environment("NATOUTGOINGADDRESS=none", "LOGPREFIX=NONE", "IPV6SUPPORT=none", "VXLANPORT=none")}, nil)
	if s := r.Settings; s.NAT.Address.Get(family.V4).IsValid() || s.Policy.LogPrefix != "" || s.Families() != family.NewSet(family.V4) {
		t.Errorf("none is not nothing: %+v", s)
	}
	want := "environment: FELIX_VXLANPORT = \"none\": cannot be none; 4790 holds\n"
	if got := problems(r.Problems); got != want {
		t.Errorf("%s want %s", got, want)
	}
}

// TestInvalidValues follows one setting through good and bad values of two layers.
// What a layer last said well holds, until it says nothing.
func TestInvalidValues(t *testing.T) {
	table := NewTable()
	var r *Resolved
	for i, step := range []struct {
		file, cluster any // the port in felix.cfg and in FelixConfiguration default
		want          int
		from          string
		bad           int // number of problems
		fresh         int // number of those that are new
	}{
		{nil, nil, 4789, "built-in", 0, 0},
		{"x", nil, 4789, "built-in", 1, 1},
		{"x", nil, 4789, "built-in", 1, 0},
		{"x", 5000, 5000, "FelixConfiguration default", 1, 1}, // another value holds: news
		{"6000", 5000, 6000, "file felix.cfg", 0, 0},
		{"x", 5000, 6000, "file felix.cfg", 1, 1},
		{"y", 5000, 6000, "file felix.cfg", 1, 1},
		{"y", 99999, 6000, "file felix.cfg", 2, 1},
		{nil, 99999, 5000, "FelixConfiguration default", 1, 1},
		{"y", 99999, 5000, "FelixConfiguration default", 2, 1}, // the file had unset it: 6000 is forgotten
		{nil, nil, 4789, "built-in", 0, 0},
		{nil, 99999, 4789, "built-in", 1, 1},
	} {
		layers := []Layer{felixConfiguration(Cluster, "default", map[string]any{"vxlanPort": step.cluster})}
		if step.file != nil {
			layers = append(layers, ParseFile("felix.cfg", fmt.Appendf(nil, "VXLANPort = %v", step.file)))
		}
		r = table.Resolve(layers, r)
		if int(r.Settings.VXLAN.Port) != step.want || r.Origin("VXLANPort") != step.from ||
			len(r.Problems) != step.bad || len(r.Fresh) != step.fresh {
			t.Errorf("step %d: %d from %s, want %d from %s; %d fresh of:\n%s", i, r.Settings.VXLAN.Port,
				r.Origin("VXLANPort"), step.want, step.from, len(r.Fresh), problems(r.Problems))
		}
		for _, p := range r.Problems {
			if p.Holds != fmt.Sprint(step.want) {
				t.Errorf("step %d: %v, but %d holds", i, p, step.want)
			}
		}
	}
}

// TestLastGoodIsTheLayersOwn: a good value of one FelixConfiguration is not another's.
func TestLastGoodIsTheLayersOwn(t *testing.T) {
	table := NewTable()
	r := table.Resolve([]Layer{felixConfiguration(Node, "node.a", map[string]any{"vxlanPort": 5000})}, nil)
	r = table.Resolve([]Layer{felixConfiguration(Cluster, "default", map[string]any{"vxlanPort": "x"})}, r)
	if r.Settings.VXLAN.Port != 4789 {
		t.Errorf("port %d of node.a holds for default", r.Settings.VXLAN.Port)
	}
}

// TestReports shows what is said of each kind of mistake.
func TestReports(t *testing.T) {
	r := NewTable().Resolve([]Layer{
		environment("IPV6SUPORT=true", "QUITEDIFFERENT=1", "BPFENABLED=true", "VXLANPORT=0", "WIREGUARDTHREADINGENABLED=true",
			"TYPHAADDR="),
		ParseFile("/etc/calico/felix.cfg", []byte("EtcdAdr = 127.0.0.1:2379\nDatastoreType = etcdv3\n")),
		felixConfiguration(Node, "node.a", map[string]any{
			"ipv6support": true, "Ipv6Support": true, "felixHostname": "b", "VXLANPort": 1, "usageReportingEnabled": false,
			"bpfLogFilters": map[string]any{"all": "icmp"}, "natOutgoingAddressIPv6": "192.0.2.1", "xyz": 1,
		}),
	}, nil)
	want := `environment: FELIX_BPFENABLED = "true": has no effect: there is no eBPF dataplane: policy is in nftables or iptables
environment: FELIX_IPV6SUPORT = "true": no such setting; did you mean FELIX_IPV6SUPPORT?
environment: FELIX_QUITEDIFFERENT = "1": no such setting
environment: FELIX_WIREGUARDTHREADINGENABLED = "true": has no effect: the devices are made without threaded NAPI
environment: FELIX_VXLANPORT = "0": must be a port, 1 to 65535; 4789 holds
file /etc/calico/felix.cfg: EtcdAdr = "127.0.0.1:2379": no such setting; did you mean EtcdAddr?
file /etc/calico/felix.cfg: DatastoreType = "etcdv3": must be one of kubernetes, files; kubernetes holds
FelixConfiguration node.a: Ipv6Support = "true": no such field; did you mean ipv6Support?
FelixConfiguration node.a: VXLANPort = "1": no such field; did you mean vxlanPort?
FelixConfiguration node.a: bpfLogFilters = "{\"all\":\"icmp\"}": has no effect: there is no eBPF dataplane: policy is in nftables or iptables
FelixConfiguration node.a: felixHostname = "b": can only be set by the environment (FELIX_FELIXHOSTNAME) or the file
FelixConfiguration node.a: ipv6support = "true": no such field; did you mean ipv6Support?
FelixConfiguration node.a: usageReportingEnabled = "false": has no effect: the agent reports to nobody
FelixConfiguration node.a: xyz = "1": no such field
FelixConfiguration node.a: natOutgoingAddressIPv6 = "192.0.2.1": must be an IPv6 address; none holds
`
	if diff := cmp.Diff(want, problems(r.Problems)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	kinds := map[ProblemKind]int{}
	for _, p := range r.Problems {
		kinds[p.Kind]++
	}
	if diff := cmp.Diff(map[ProblemKind]int{Unusable: 3, Unknown: 7, Misplaced: 1, Ineffective: 4}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

// TestReportedOnce: what stays the same is not news; what goes and comes again is.
func TestReportedOnce(t *testing.T) {
	table := NewTable()
	said, quiet := []Layer{environment("BPFENABLED=true")}, []Layer{environment()}
	var r *Resolved
	for i, step := range []struct {
		layers []Layer
		fresh  int
	}{{said, 1}, {said, 0}, {said, 0}, {quiet, 0}, {said, 1}} {
		if r = table.Resolve(step.layers, r); len(r.Fresh) != step.fresh {
			t.Errorf("step %d: %d fresh problems, want %d", i, len(r.Fresh), step.fresh)
		}
	}
}

// TestLocalSettingsStayLocal: no FelixConfiguration moves the agent to another node.
func TestLocalSettingsStayLocal(t *testing.T) {
	table := NewTable()
	for _, s := range table.all {
		if !s.Local() {
			continue
		}
		for _, source := range []Source{Cluster, Selected, Node} {
			r := table.Resolve([]Layer{felixConfiguration(source, "x", map[string]any{s.Name: "7"})}, nil)
			if r.Origin(s.Name) != "built-in" || len(r.Problems) != 1 || r.Problems[0].Kind != Misplaced {
				t.Errorf("%s from source %d: %s, %v", s.Name, source, r.Origin(s.Name), r.Problems)
			}
		}
	}
}

// TestSettingsOfDeployments resolves what ../shared/seeds holds of real clusters: the
// FelixConfiguration and the node agent's environment.
func TestSettingsOfDeployments(t *testing.T) {
	spec := decode(t, `{
		"ipv6Support": true, "routeRefreshInterval": "90s", "vxlanMTUV6": 1430,
		"wireguardEnabled": true, "wireguardInterfaceName": "wireguard.cali", "wireguardListeningPort": 51820, "wireguardMTU": 1440,
		"wireguardEnabledV6": true, "wireguardInterfaceNameV6": "wg-v6.cali", "wireguardListeningPortV6": 51821, "wireguardMTUV6": 1420,
		"deviceRouteSourceAddressIPv6": "fd00::1"
	}`, false)
	environ := FromEnvironment(strings.Split("IP=autodetect IP6=autodetect CALICO_IPV4POOL_CIDR=10.244.0.0/16 "+
		"CALICO_IPV6POOL_CIDR=fc00::/48 FELIX_IPV6SUPPORT=true FELIX_HEALTHENABLED=true IP6_AUTODETECTION_METHOD=interface=ens192", " "))
	layers := append(FromDatastore([]FelixConfiguration{{"default", spec}}, "a", nil), environ)
	r := NewTable().Resolve(layers, nil)
	for name, want := range map[string]string{
		"Ipv6Support":                  "true from environment",
		"HealthEnabled":                "true from environment",
		"VXLANMTUV6":                   "1430 from FelixConfiguration default",
		"VXLANMTU":                     "0 from built-in",
		"WireguardEnabled":             "true from FelixConfiguration default",
		"WireguardMTU":                 "1440 from FelixConfiguration default",
		"WireguardEnabledV6":           "true from FelixConfiguration default",
		"WireguardInterfaceNameV6":     "wg-v6.cali from FelixConfiguration default",
		"WireguardListeningPortV6":     "51821 from FelixConfiguration default",
		"WireguardMTUV6":               "1420 from FelixConfiguration default",
		"DeviceRouteSourceAddressIPv6": "fd00::1 from FelixConfiguration default",
	} {
		if got := valueOf(r, name) + " from " + r.Origin(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, p := range r.Problems {
		if p.Kind != Ineffective {
			t.Errorf("unexpected: %v", p)
		}
	}
}

// TestResolveLeavesItsInputAlone: layers and the previous outcome belong to the caller.
func TestResolveLeavesItsInputAlone(t *testing.T) {
	table := NewTable()
	layers := []Layer{environment("VXLANPORT=x", "NOSUCH=1"), felixConfiguration(Cluster, "default", map[string]any{"vxlanPort": 5})}
	before := fmt.Sprint(layers)
	first := table.Resolve(layers, nil)
	printed := problems(first.Problems) + fmt.Sprint(first.Settings, first.good, first.origin)
	table.Resolve([]Layer{environment("VXLANPORT=9")}, first)
	if fmt.Sprint(layers) != before || problems(first.Problems)+fmt.Sprint(first.Settings, first.good, first.origin) != printed {
		t.Error("Resolve changed what it was given")
	}
	if got := table.Defaults().VXLAN.Port; got != 4789 {
		t.Errorf("the table's own default is now %d", got)
	}
}
