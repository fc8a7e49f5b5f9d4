package config

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/margay-net/margay/internal/family"
)

// TestFamiliesAreNotCrossed sets the one and the other family's setting of each pair
// and looks where the value lands.
func TestFamiliesAreNotCrossed(t *testing.T) {
	for _, c := range []struct {
		setting family.Pair[string]
		values  family.Pair[string]
		lands   func(s *Settings, f family.Family) string
	}{{
		family.PairOf("Ipv4Support", "Ipv6Support"), family.PairOf("false", "false"),
		func(s *Settings, f family.Family) string {
			if s.Families().Has(f) {
				return "true"
			}
			return "false"
		},
	}, {
		family.PairOf("DeviceRouteSourceAddress", "DeviceRouteSourceAddressIPv6"), family.PairOf("192.0.2.1", "2001:db8::1"),
		func(s *Settings, f family.Family) string { return s.Routes.Source.Get(f).String() },
	}, {
		family.PairOf("NATOutgoingAddress", "NATOutgoingAddressIPv6"), family.PairOf("192.0.2.1", "2001:db8::1"),
		func(s *Settings, f family.Family) string { return s.NAT.Address.Get(f).String() },
	}, {
		family.PairOf("IPv4NormalRoutePriority", "IPv6NormalRoutePriority"), family.PairOf("2004", "2006"),
		func(s *Settings, f family.Family) string { return number(s.Routes.Priority.Get(f)) },
	}, {
		family.PairOf("IPv4ElevatedRoutePriority", "IPv6ElevatedRoutePriority"), family.PairOf("104", "106"),
		func(s *Settings, f family.Family) string { return number(s.Routes.ElevatedPriority.Get(f)) },
	}, {
		family.PairOf("VXLANMTU", "VXLANMTUV6"), family.PairOf("1404", "1406"),
		func(s *Settings, f family.Family) string { return number(s.VXLAN.MTU.Get(f)) },
	}, {
		family.PairOf("WireguardMTU", "WireguardMTUV6"), family.PairOf("1404", "1406"),
		func(s *Settings, f family.Family) string { return number(s.Wireguard.MTU.Get(f)) },
	}, {
		family.PairOf("WireguardListeningPort", "WireguardListeningPortV6"), family.PairOf("4004", "4006"),
		func(s *Settings, f family.Family) string { return number(int(s.Wireguard.Port.Get(f))) },
	}, {
		family.PairOf("WireguardInterfaceName", "WireguardInterfaceNameV6"), family.PairOf("wg4", "wg6"),
		func(s *Settings, f family.Family) string { return s.Wireguard.Interface.Get(f) },
	}, {
		family.PairOf("WireguardEnabled", "WireguardEnabledV6"), family.PairOf("true", "true"),
		func(s *Settings, f family.Family) string { return show(s.Wireguard.Enabled.Get(f)) },
	}} {
		table := NewTable()
		for _, f := range family.All() {
			defaults := table.Defaults()
			r := table.Resolve([]Layer{FromFlags(map[string]string{c.setting.Get(f): c.values.Get(f)})}, nil)
			if got := c.lands(&r.Settings, f); got != c.values.Get(f) {
				t.Errorf("%s = %s: the %v value is %s", c.setting.Get(f), c.values.Get(f), f, got)
			}
			other := f.Other()
			if got, want := c.lands(&r.Settings, other), c.lands(&defaults, other); got != want {
				t.Errorf("%s = %s: the %v value changed from %s to %s", c.setting.Get(f), c.values.Get(f), other, want, got)
			}
		}
	}
}

func number(n int) string { return integer(0, 1<<31-1).show(n) }
func show(on bool) string { return boolean().show(on) }

// TestSettingsAsTheAgentUsesThem spells the typed values of one whole environment.
func TestSettingsAsTheAgentUsesThem(t *testing.T) {
	r := NewTable().Resolve([]Layer{environment(
		"DATASTORETYPE=files", "FILESDIRECTORY=/m", "FELIXHOSTNAME=node-a", "FILESMAXSIZEMB=2",
		"INTERFACEPREFIX=cali,tap",
		"DEVICEROUTEPROTOCOL=80", "PROGRAMCLUSTERROUTES=enabled", "IPFORWARDING=disabled", "REMOVEEXTERNALROUTES=no",
		"ROUTESYNCDISABLED=yes", "ROUTETABLERANGES=1-9,300-400",
		"DEFAULTENDPOINTTOHOSTACTION=accept", "WORKLOADSOURCESPOOFING=any", "DISABLECONNTRACKINVALIDCHECK=1",
		"ALLOWVXLANPACKETSFROMWORKLOADS=1", "POLICYCOUNTERS=1", "LOGPREFIX=denied", "LOGACTIONRATELIMIT=3/minute", "LOGACTIONRATELIMITBURST=9",
		"NATOUTGOINGEXCLUSIONS=ippoolsandhostips", "NATPORTRANGE=40000:50000",
		"FAILSAFEINBOUNDHOSTPORTS=tcp:22,udp:[fd00::/8]:546", "EXTERNALNODESCIDRLIST=192.0.2.0/24,2001:db8::/32",
		"VXLANENABLED=false", "VXLANPORT=8472", "VXLANUNDERLAY=ipv6", "IPINIPENABLED=true", "IPINIPMTU=1400",
		"HEALTHPORT=9098", "HEALTHHOST=::", "HEALTHTIMEOUTOVERRIDES=a=5,b=1m",
		"PROMETHEUSMETRICSENABLED=false", "DEBUGPORT=6060", "LOGSEVERITYSCREEN=debug",
		"IPTABLESREFRESHINTERVAL=1.5", "GOGCTHRESHOLD=-1",
	)}, nil)
	s := &r.Settings
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"datastore", s.Datastore, Datastore{Type: Files, Node: "node-a", Directory: "/m", MaxFileSize: 2 << 20, LostShare: 30}},
		{"prefixes", s.Interfaces.Prefixes, []string{"cali", "tap"}},
		{"protocol", s.Routes.Protocol, 80},
		{"cluster routes", s.Routes.Cluster, ClusterRoutesEnabled},
		{"forwarding", s.Routes.Forwarding, Disabled},
		{"remove external", s.Routes.RemoveExternal, false},
		{"routes off", s.Routes.Off, true},
		{"tables", s.Routes.Tables, []TableRange{{1, 9}, {300, 400}}},
		{"policy", s.Policy, Policy{
			EndpointToHost: Accept, SourceSpoofing: SpoofingAny, AcceptInvalid: true, AllowVXLAN: true, Counters: true,
			LogPrefix: "denied", LogLimit: Rate{Count: 3, Per: time.Minute}, LogBurst: 9,
		}},
		{"exclusions", s.NAT.Exclusions, ExcludePoolsAndHosts},
		{"NAT ports", s.NAT.Ports, PortRange{40000, 50000}},
		{"NAT address", s.NAT.Address.Get(family.V6).IsValid(), false},
		{"failsafe", s.HostEndpoints.FailsafeInbound, []HostPort{
			{Protocol: "tcp", Port: 22}, {Protocol: "udp", Port: 546, Net: netip.MustParsePrefix("fd00::/8")},
		}},
		{"external", s.VXLAN.External, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}},
		{"VXLAN", s.VXLAN.Enabled, Off},
		{"VXLAN port", s.VXLAN.Port, uint16(8472)},
		{"VXLAN underlay", s.VXLAN.Underlay.Family(), family.V6},
		{"IPIP", s.IPIP, IPIP{Enabled: On, MTU: 1400}},
		{"health", s.Health, Health{
			Listener: Listener{Enabled: true, Host: "::", Port: 9098},
			Timeouts: map[string]time.Duration{"a": 5 * time.Second, "b": time.Minute},
		}},
		{"metrics", s.Metrics.Listener, Listener{Enabled: false, Host: "localhost", Port: 9091}},
		{"debug", s.Debug, Debug{Host: "localhost", Port: 6060}},
		{"log", s.Logging.Level, LogDebug},
		{"refresh", s.Iptables.Refresh, 1500 * time.Millisecond},
		{"GC", s.Runtime, Runtime{GCPercent: -1, MemoryLimitMB: -1, MaxProcs: -1}},
	} {
		if diff := cmp.Diff(c.want, c.got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	for _, p := range r.Problems {
		if p.Kind != Ineffective {
			t.Errorf("unexpected: %v", p)
		}
	}
}
