package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestKinds shows, for each kind, what text it takes, and how that is written back.
// "x" stands for refused.
func TestKinds(t *testing.T) {
	const x = "x"
	for _, c := range []struct{ setting, in, want string }{
		{"Ipv6Support", "true", "true"},
		{"Ipv6Support", "YES", "true"},
		{"Ipv6Support", "1", "true"},
		{"Ipv6Support", "f", "false"},
		{"Ipv6Support", " no ", "false"},
		{"Ipv6Support", "none", "false"},
		{"Ipv6Support", "2", x},
		{"Ipv6Support", "on", x},
		{"Ipv6Support", "IPv6", x},

		{"VXLANEnabled", "true", "true"},
		{"VXLANEnabled", "false", "false"},
		{"VXLANEnabled", "none", ""},
		{"VXLANEnabled", "auto", x},

		{"VXLANVNI", "4096", "4096"},
		{"VXLANVNI", "0x1000", "4096"},
		{"VXLANVNI", "16777215", "16777215"},
		{"VXLANVNI", "16777216", x},
		{"VXLANVNI", "0", x},
		{"VXLANVNI", "-1", x},
		{"VXLANVNI", "1.5", x},
		{"VXLANVNI", "99999999999999999999", x},
		{"VXLANVNI", "none", x},
		{"LogActionRateLimitBurst", "none", "0"},
		{"GoGCThreshold", "-1", "-1"},
		{"GoGCThreshold", "-2", x},

		{"FilesMaxSizeMB", "1", "1"},
		{"FilesMaxSizeMB", "65536", "65536"},
		{"FilesMaxSizeMB", "65537", x},
		{"FilesMaxSizeMB", "none", x},

		{"IptablesRefreshInterval", "90", "90s"},
		{"IptablesRefreshInterval", "90s", "90s"},
		{"IptablesRefreshInterval", "1m30s", "90s"},
		{"IptablesRefreshInterval", "0.5", "500ms"},
		{"IptablesRefreshInterval", "0", "0s"},
		{"IptablesRefreshInterval", "none", "0s"},
		{"IptablesRefreshInterval", "-1", x},
		{"IptablesRefreshInterval", "-1s", x},
		{"IptablesRefreshInterval", "NaN", x},
		{"IptablesRefreshInterval", "Inf", x},
		{"IptablesRefreshInterval", "1e300", x},
		{"IptablesRefreshInterval", "999999h", x},
		{"IptablesRefreshInterval", "soon", x},
		{"IptablesLockProbeIntervalMillis", "50", "50ms"},
		{"IptablesLockProbeIntervalMillis", "2s", "2s"},

		{"DefaultEndpointToHostAction", "drop", "DROP"},
		{"DefaultEndpointToHostAction", "Return", "RETURN"},
		{"DefaultEndpointToHostAction", "REJECT", x},
		{"DefaultEndpointToHostAction", "none", x},
		{"LogSeverityScreen", "warning", "WARNING"},
		{"LogSeverityScreen", "None", ""},
		{"LogSeverityScreen", "verbose", x},
		{"DatastoreType", "Files", "files"},
		{"DatastoreType", "etcdv3", x},

		{"NATOutgoingAddress", "192.0.2.1", "192.0.2.1"},
		{"NATOutgoingAddress", "none", ""},
		{"NATOutgoingAddress", "2001:db8::1", x},
		{"NATOutgoingAddress", "192.0.2.0/24", x},
		{"NATOutgoingAddress", "192.0.2.256", x},
		{"NATOutgoingAddress", "0.0.0.0", x},
		{"NATOutgoingAddress", "224.0.0.1", x},
		{"NATOutgoingAddressIPv6", "2001:DB8::0:1", "2001:db8::1"},
		{"NATOutgoingAddressIPv6", "192.0.2.1", x},
		{"NATOutgoingAddressIPv6", "::ffff:192.0.2.1", x},
		{"NATOutgoingAddressIPv6", "fe80::1%eth0", x},
		{"NATOutgoingAddressIPv6", "::", x},

		{"ExternalNodesCIDRList", "192.0.2.0/24, fd00::/8", "192.0.2.0/24,fd00::/8"},
		{"ExternalNodesCIDRList", "192.0.2.7,2001:db8::7", "192.0.2.7/32,2001:db8::7/128"},
		{"ExternalNodesCIDRList", "none", ""},
		{"ExternalNodesCIDRList", "192.0.2.7/24", x},
		{"ExternalNodesCIDRList", "fd00::1/8", x},
		{"ExternalNodesCIDRList", "192.0.2.0/33", x},
		{"ExternalNodesCIDRList", "::ffff:192.0.2.0/120", x},
		{"ExternalNodesCIDRList", "here", x},

		{"VXLANPort", "4789", "4789"},
		{"VXLANPort", "0", x},
		{"VXLANPort", "65536", x},
		{"DebugPort", "0", "0"},
		{"DebugPort", "none", "0"},

		{"NATPortRange", "32768:60999", "32768:60999"},
		{"NATPortRange", "4000", "4000"},
		{"NATPortRange", "4000:4000", "4000"},
		{"NATPortRange", "none", ""},
		{"NATPortRange", "60999:32768", x},
		{"NATPortRange", "0:10", x},
		{"NATPortRange", "1:2:3", x},
		{"NATPortRange", "http", x},

		{"VXLANMTU", "1400", "1400"},
		{"VXLANMTU", "0", "0"},
		{"VXLANMTU", "67", x},
		{"VXLANMTUV6", "1280", "1280"},
		{"VXLANMTUV6", "0", "0"},
		{"VXLANMTUV6", "1279", x},
		{"VXLANMTUV6", "65536", x},

		{"DeviceRouteProtocol", "80", "80"},
		{"DeviceRouteProtocol", "2", x},
		{"DeviceRouteProtocol", "9", x},
		{"DeviceRouteProtocol", "256", x},
		{"DeviceRouteProtocol", "none", x},

		{"NftablesMarkMask", "0xff000000", "0xff000000"},
		{"NftablesMarkMask", "3", "0x3"},
		{"NftablesMarkMask", "0x1", x},
		{"NftablesMarkMask", "0x1ffffffff", x},
		{"NftablesMarkMask", "none", x},

		{"FelixHostname", "node-1.example_net", "node-1.example_net"},
		{"FelixHostname", "node 1", x},
		{"FelixHostname", "nœud", x},
		{"FelixHostname", strings.Repeat("a", 254), x},

		{"HealthHost", "localhost", "localhost"},
		{"HealthHost", "::", "::"},
		{"HealthHost", "[::1]", "::1"},
		{"HealthHost", "0.0.0.0", "0.0.0.0"},
		{"HealthHost", "local host", x},
		{"HealthHost", "none", x},

		{"WireguardInterfaceName", "wg0", "wg0"},
		{"WireguardInterfaceName", "sixteen-letters-", x},
		{"WireguardInterfaceName", "a/b", x},
		{"WireguardInterfaceName", "..", x},
		{"IptablesNATOutgoingInterfaceFilter", "eth+", "eth+"},
		{"IptablesNATOutgoingInterfaceFilter", "+", x},
		{"InterfacePrefix", "cali, tap", "cali,tap"},
		{"InterfacePrefix", ",", x},
		{"InterfacePrefix", "none", x},
		{"InterfacePrefix", "cali*", x},
		{"InterfaceExclude", "kube-ipvs0,/^veth/", "kube-ipvs0,/^veth/"},
		{"InterfaceExclude", "none", ""},
		{"InterfaceExclude", "/(/", x},
		{"InterfaceRefreshInterval", "600", "600s"},
		{"InterfaceRefreshInterval", "0", "0s"},
		{"InterfaceRefreshInterval", "-90", x},

		{"FailsafeInboundHostPorts", "22", "tcp:22"},
		{"FailsafeInboundHostPorts", "UDP:53,sctp:7", "udp:53,sctp:7"},
		{"FailsafeInboundHostPorts", "tcp:10.0.0.0/8:22", "tcp:10.0.0.0/8:22"},
		{"FailsafeInboundHostPorts", "tcp:[fd00::/8]:22", "tcp:[fd00::/8]:22"},
		{"FailsafeInboundHostPorts", "tcp:[fd00::1]:22", "tcp:[fd00::1/128]:22"},
		{"FailsafeInboundHostPorts", "none", ""},
		{"FailsafeInboundHostPorts", "tcp:fd00::/8:22", x},
		{"FailsafeInboundHostPorts", "tcp:[10.0.0.0/8]:22", x},
		{"FailsafeInboundHostPorts", "tcp:[fd00::/8:22", x},
		{"FailsafeInboundHostPorts", "tcp:10.0.0.1/8:22", x},
		{"FailsafeInboundHostPorts", "icmp:8", x},
		{"FailsafeInboundHostPorts", "tcp:ssh", x},
		{"FailsafeInboundHostPorts", "tcp:65536", x},
		{"FailsafeInboundHostPorts", "tcp:]:22", x},

		{"RouteTableRanges", "1-250", "1-250"},
		{"RouteTableRanges", "1-9,256-1000", "1-9,256-1000"},
		{"RouteTableRanges", "none", ""},
		{"RouteTableRanges", "250-260", x},
		{"RouteTableRanges", "9-1", x},
		{"RouteTableRanges", "0-9", x},
		{"RouteTableRanges", "9", x},

		{"HealthTimeoutOverrides", "b=90, a=1m", "a=60s,b=90s"},
		{"HealthTimeoutOverrides", "none", ""},
		{"HealthTimeoutOverrides", "a", x},
		{"HealthTimeoutOverrides", "=5s", x},

		{"LogActionRateLimit", "10/second", "10/second"},
		{"LogActionRateLimit", "9999/day", "9999/day"},
		{"LogActionRateLimit", "none", ""},
		{"LogActionRateLimit", "0/second", x},
		{"LogActionRateLimit", "10000/day", x},
		{"LogActionRateLimit", "10", x},
		{"LogActionRateLimit", "10/week", x},

		{"LogPrefix", "pod denied: [%p]", "pod denied: [%p]"},
		{"LogPrefix", "none", ""},
		{"LogPrefix", "two\nlines", x},
		{"LogPrefix", "\xff", x},
		{"LogPrefix", strings.Repeat("a", 101), x},
		{"FilesDirectory", "/etc/margay", "/etc/margay"},
		{"FilesDirectory", "a\x00b", x},
		{"MTUIfacePattern", "^eth.*", "^eth.*"},
		{"MTUIfacePattern", "(", x},
		{"MTUIfacePattern", "none", ""},
	} {
		setting := NewTable().Lookup(c.setting)
		got, err := canonical(said{setting: setting, text: c.in})
		if err != nil {
			got = x
		}
		if got != c.want {
			t.Errorf("%s = %q reads as %q, want %q (%v)", c.setting, c.in, got, c.want, err)
		}
	}
}

// TestEmptyTextIsTheZeroValueOfEveryKind is what "none" and a default of "" lean on.
func TestEmptyTextIsTheZeroValueOfEveryKind(t *testing.T) {
	var zero Settings
	for _, s := range NewTable().all {
		got := NewTable().Defaults()
		if err := s.Value.assign(&got, ""); err != nil || s.Value.text(&got) != s.Value.text(&zero) {
			t.Errorf("%s: empty text gives %q (%v)", s.Name, s.Value.text(&got), err)
		}
	}
}

// TestRefusalsSayWhatIsAllowed reads the messages as a person would.
func TestRefusalsSayWhatIsAllowed(t *testing.T) {
	for _, c := range []struct{ setting, in, want string }{
		{"VXLANPort", "70000", "must be a port, 1 to 65535"},
		{"VXLANMTUV6", "1000", "must be bytes, 1280 to 65535, or 0 for automatic"},
		{"GoMaxProcs", "many", "must be a whole number, -1 or more"},
		{"DefaultEndpointToHostAction", "maybe", "must be one of DROP, ACCEPT, RETURN"},
		{"DefaultEndpointToHostAction", "none", "cannot be none"},
		{"NATOutgoingAddress", "fd00::1", "must be an IPv4 address"},
		{"NATOutgoingAddressIPv6", "10.0.0.1", "must be an IPv6 address"},
		{"NATOutgoingAddressIPv6", "ff02::1", "must be a unicast address"},
		{"ExternalNodesCIDRList", "10.1.2.3/8", `"10.1.2.3/8" has host bits set; the net is 10.0.0.0/8`},
		{"IptablesRefreshInterval", "later", "must be seconds, or a duration like 90s, from 0 to 10 years"},
		{"RouteTableRanges", "200-300", `"200-300" holds the kernel's own tables, 253 to 255`},
		{"FailsafeInboundHostPorts", "tcp:[10.0.0.0/8]:1", `"tcp:[10.0.0.0/8]:1": an IPv6 net stands in brackets, an IPv4 net without`},
	} {
		_, err := canonical(said{setting: NewTable().Lookup(c.setting), text: c.in})
		if fmt.Sprint(err) != c.want {
			t.Errorf("%s = %q: %v\n want %s", c.setting, c.in, err, c.want)
		}
	}
}

func TestInterfacePatternsMatch(t *testing.T) {
	p, err := interfacePatterns().parse("kube-ipvs0,/^veth/,eth.0")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"kube-ipvs0": true, "kube-ipvs01": false, "veth1234": true, "xveth": false, "eth.0": true, "eth10": false,
	} {
		if p.Match(name) != want {
			t.Errorf("%v matches %s: %v", p, name, !want)
		}
	}
	if (InterfacePatterns{}).Match("eth0") {
		t.Error("no pattern matches an interface")
	}
}
