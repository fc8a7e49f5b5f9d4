package render_test

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/iptables/render"
	"github.com/margay-net/margay/internal/model"
	"github.com/margay-net/margay/internal/netlab"
	"github.com/margay-net/margay/internal/rules"
	"github.com/margay-net/margay/internal/rules/rulestest"
)

func addrs(v4, v6 string) (p family.Pair[netip.Addr]) {
	for f, text := range map[family.Family]string{family.V4: v4, family.V6: v6} {
		if text != "" {
			*p.At(f) = netip.MustParseAddr(text)
		}
	}
	return p
}

func prefixes(ss ...string) (out []netip.Prefix) {
	for _, s := range ss {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func felixDefaults() rules.Settings {
	return rules.Settings{
		Families: family.Both, InterfacePrefixes: []string{"cali"}, VXLANPort: 4789, LogPrefix: "calico-packet",
		NAT: rules.NAT{ReservedUDP: []uint16{4789}},
	}
}

// shop has a web pod with both families under no policy, which may spoof if the node says so;
// and a database under a tier that passes on, with a policy of nets of both families and of
// one for one family only, and under the default tier.
func shop() *rulestest.World {
	audit := model.Key{Kind: model.KindGlobalPolicy, Name: "security.audit"}
	webOnly := model.Key{Kind: model.KindKubernetesPolicy, Namespace: "shop", Name: "web-only"}
	in := model.Directions(0).With(model.Ingress)
	return &rulestest.World{
		Settings: felixDefaults(),
		Endpoints: []*model.LocalEndpoint{
			{
				ID:        model.Key{Kind: model.KindPod, Namespace: "shop", Name: "web"},
				Interface: "cali1", Addresses: addrs("10.65.0.1", "fd00:65::1"), AllowedSources: prefixes("192.0.2.0/24", "2001:db8::/32"),
			},
			{
				ID:        model.Key{Kind: model.KindPod, Namespace: "shop", Name: "db"},
				Interface: "cali2", Addresses: addrs("10.65.0.2", "fd00:65::2"),
				Tiers: []model.TierPolicies{
					{Name: "security", Default: model.Deny, Ingress: []model.PolicyID{audit}},
					{Name: "default", Default: model.Deny, Ingress: []model.PolicyID{webOnly}},
				},
			},
		},
		Policies: map[model.PolicyID]*model.ActivePolicy{
			audit: {ID: audit, Types: in, Ingress: []model.Rule{
				{Action: model.Deny, Source: model.Peer{Nets: prefixes("192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32", "2001:db9::/32")}},
				{Action: model.Pass, Protocol: model.TCP},
				{Action: model.Allow, Protocol: model.ICMP, ICMP: &model.ICMPMatch{Type: 8}},
				{Action: model.Allow, Protocol: model.ICMPv6, ICMP: &model.ICMPMatch{Type: 128}},
			}},
			webOnly: {ID: webOnly, Types: in, Ingress: []model.Rule{
				{Action: model.Allow, Protocol: model.TCP,
					Source:      model.Peer{Selector: "app == 'web'", Sets: []model.SetID{"a"}},
					Destination: model.Peer{Ports: []model.PortRange{{First: 5432, Last: 5432}}}},
			}},
		},
		Sets: rulestest.Sets{"a": {
			{Prefix: netip.MustParsePrefix("10.65.0.1/32")}, {Prefix: netip.MustParsePrefix("fd00:65::1/128")},
		}},
	}
}

// withEverything has what else there is to render: NAT with ports and an address, spoofing,
// logs with a limit, more ports than fit, names that are too long.
func withEverything() *rulestest.World {
	w := shop()
	w.Settings.AllowSpoofing, w.Settings.HostAction = true, rules.HostAccept
	w.Settings.LogLimit = rules.LogLimit{Count: 10, Burst: 5, Per: 60e9}
	w.Settings.NAT = rules.NAT{
		Address: addrs("172.16.0.9", "fd00:16::9"), Ports: model.PortRange{First: 20000, Last: 30000},
		ReservedUDP: []uint16{4789, 21000}, Interface: "eth*", ExcludeHosts: true,
	}
	id := model.Key{Kind: model.KindPolicy, Namespace: "a-namespace-with-a-long-name", Name: "a-policy-with-a-long-name"}
	var ports []model.PortRange
	for i := range uint16(20) {
		ports = append(ports, model.PortRange{First: 100 * i, Last: 100*i + i%2})
	}
	eight, code := uint8(8), uint8(1)
	w.Policies[id] = &model.ActivePolicy{ID: id, Types: 3, Egress: []model.Rule{
		{Action: model.Log, Protocol: model.UDPLite, Destination: model.Peer{Ports: ports}},
		{Action: model.Allow, Protocol: model.SCTP, Destination: model.Peer{NotPorts: ports, NotNets: prefixes("10.0.0.0/8", "192.0.2.0/24", "fd00::/8", "2001:db8::/32")}},
		{Action: model.Deny, NotProtocol: model.TCP, Source: model.Peer{NotNets: prefixes("10.0.0.0/8", "fd00::/8")}},
		{Action: model.Pass, Protocol: model.ICMP, NotICMP: &model.ICMPMatch{Type: eight, Code: &code}},
		{Action: model.Pass, Protocol: model.ICMPv6, NotICMP: &model.ICMPMatch{Type: 128, Code: &code}},
		{Action: model.Allow, Protocol: 99},
		{Action: model.Allow, Protocol: model.ICMPv6, ICMP: &model.ICMPMatch{Type: 128}, NotICMP: &model.ICMPMatch{Type: 128, Code: &code}},
		{Action: model.Allow, Protocol: model.TCP,
			Source:      model.Peer{Nets: prefixes("10.0.0.0/8", "fd00::/8"), NotNets: prefixes("10.65.0.0/16", "fd00:65::/32"), Ports: ports, NotPorts: ports[3:4]},
			Destination: model.Peer{Nets: prefixes("10.0.0.0/8", "fd00::/8"), NotNets: prefixes("10.65.0.0/16", "fd00:65::/32"), Ports: ports[:2], NotPorts: ports[:1]}},
	}}
	w.Endpoints[0].Tiers = []model.TierPolicies{{Name: "default", Default: model.Pass, Egress: []model.PolicyID{id}}}
	return w
}

func v6Off(w *rulestest.World) *rulestest.World {
	w.Settings.Families = family.NewSet(family.V4)
	return w
}

func closedTable() *rulestest.World { return &rulestest.World{Settings: felixDefaults()} }

func goldens() map[string]*rulestest.World {
	return map[string]*rulestest.World{
		"shop": shop(), "everything": withEverything(), "v6-off": v6Off(shop()), "closed": closedTable(),
	}
}

// withTunnels has both kinds of tunnels, to one node.
func (n *node) withTunnels() {
	r := render.New(n.family, felixDefaults(), idiom())
	t := rules.Tunnel{VXLAN: true, VNI: 4096, Port: 4789, IPIP: true, External: prefixes("192.0.2.0/24", "2001:db8::/32")}
	a := addrs("172.16.0.2", "fd00:16::2").Get(n.family)
	n.render.Put(render.Change{Old: r.Tunnel(rules.Tunnel{}), New: r.Tunnel(t)}, render.Change{New: r.Sender(a)})
}

// UPDATE=1 rewrites the files, to be read again rule by rule.
func TestTables(t *testing.T) {
	for name, w := range goldens() {
		eachFamily(t, func(t *testing.T, f family.Family) {
			n := newNode(f)
			if n.change(t, w); name == "everything" {
				n.withTunnels()
				n.apply(t)
			}
			got := n.text()
			file := "testdata/" + name + "." + f.String() + ".txt"
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The programs of both variants take every golden text, with `--test`: this needs the sets to
// be there.
func TestProgramsTakeTheGoldens(t *testing.T) {
	lab := netlab.Test(t, netlab.Options{Nodes: []netlab.NodeSpec{{Name: "node"}}})
	for name, w := range goldens() {
		eachFamily(t, func(t *testing.T, f family.Family) {
			n := newNode(f)
			if n.change(t, w); name == "everything" {
				n.withTunnels()
				n.apply(t)
			}
			sets := exec.Command("ipset", "restore", "-exist")
			sets.Stdin = strings.NewReader(strings.Join(n.sets.Scripts, ""))
			runInside(t, lab.Node("node"), sets)
			for _, v := range []iptables.Variant{iptables.NFT, iptables.Legacy} {
				program := map[family.Family]string{family.V4: "iptables-", family.V6: "ip6tables-"}[f] + string(v) + "-restore"
				c := exec.Command(program, "--noflush", "--test")
				c.Stdin = strings.NewReader(n.driver.Text(true))
				if runInside(t, lab.Node("node"), c); t.Failed() {
					t.Logf("%s\n%s", name, n.driver.Text(true))
				}
			}
		})
	}
}

func runInside(t *testing.T, n *netlab.Node, c *exec.Cmd) {
	t.Helper()
	var complaint strings.Builder
	c.Stderr = &complaint
	if err := n.Do(c.Start); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %v\n%s", c.Args, err, complaint.String())
	}
}
