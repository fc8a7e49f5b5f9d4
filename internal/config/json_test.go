package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// decode reads a spec as the two decoders in use do: numbers as float64 or json.Number.
func decode(t *testing.T, text string, useNumber bool) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if useNumber {
		d.UseNumber()
	}
	var spec map[string]any
	if err := d.Decode(&spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestSpecValues shows how JSON in a FelixConfiguration reads. "x" stands for refused.
func TestSpecValues(t *testing.T) {
	for _, c := range []struct{ json, setting, want string }{
		{`"ipv6Support": false`, "Ipv6Support", "false"},
		{`"ipv6Support": "false"`, "Ipv6Support", "false"},
		{`"ipv6Support": null`, "Ipv6Support", "true"},
		{`"ipv6Support": []`, "Ipv6Support", "x"},
		{`"ipv6Support": {}`, "Ipv6Support", "x"},
		{`"vxlanMTUV6": 1430`, "VXLANMTUV6", "1430"},
		{`"vxlanMTUV6": "1430"`, "VXLANMTUV6", "1430"},
		{`"vxlanMTUV6": 1430.5`, "VXLANMTUV6", "x"},
		{`"vxlanMTUV6": true`, "VXLANMTUV6", "x"},
		{`"iptablesMarkMask": 4294901760`, "IptablesMarkMask", "0xffff0000"},
		{`"iptablesRefreshInterval": "90s"`, "IptablesRefreshInterval", "90s"},
		{`"iptablesRefreshInterval": "1m30s"`, "IptablesRefreshInterval", "90s"},
		{`"iptablesRefreshInterval": 90`, "IptablesRefreshInterval", "90s"},
		{`"iptablesLockProbeInterval": "50ms"`, "IptablesLockProbeIntervalMillis", "50ms"},
		{`"natOutgoingAddress": "192.0.2.1"`, "NATOutgoingAddress", "192.0.2.1"},
		{`"natOutgoingAddress": ""`, "NATOutgoingAddress", "none"},
		{`"natPortRange": 4000`, "NATPortRange", "4000"},
		{`"natPortRange": "4000:5000"`, "NATPortRange", "4000:5000"},
		{`"defaultEndpointToHostAction": "Accept"`, "DefaultEndpointToHostAction", "ACCEPT"},
		{`"externalNodesList": ["192.0.2.0/24", "fd00::/8"]`, "ExternalNodesCIDRList", "192.0.2.0/24,fd00::/8"},
		{`"externalNodesList": []`, "ExternalNodesCIDRList", "none"},
		{`"externalNodesList": [["192.0.2.0/24"]]`, "ExternalNodesCIDRList", "x"},
		{`"interfacePrefix": "cali,tap"`, "InterfacePrefix", "cali,tap"},
		{`"interfacePrefix": []`, "InterfacePrefix", "x"},
		{`"interfacePrefix": [""]`, "InterfacePrefix", "x"},
		{`"interfacePrefix": ["cali", "tap"]`, "InterfacePrefix", "cali,tap"},
		{`"failsafeInboundHostPorts": []`, "FailsafeInboundHostPorts", "none"},
		{`"failsafeInboundHostPorts": [{"protocol": "TCP", "port": 22}, {"port": 80},
			{"protocol": "udp", "port": 53, "net": "fd00::/8"}, {"protocol": "tcp", "port": 179, "net": "10.0.0.0/8"}]`,
			"FailsafeInboundHostPorts", "tcp:22,tcp:80,udp:[fd00::/8]:53,tcp:10.0.0.0/8:179"},
		{`"failsafeInboundHostPorts": [{"protocol": "tcp"}]`, "FailsafeInboundHostPorts", "x"},
		{`"failsafeInboundHostPorts": [{"proto": "tcp", "port": 1}]`, "FailsafeInboundHostPorts", "x"},
		{`"failsafeInboundHostPorts": [{"protocol": {}, "port": 1}]`, "FailsafeInboundHostPorts", "x"},
		{`"routeTableRanges": [{"min": 1, "max": 9}, {"min": 300, "max": 400}]`, "RouteTableRanges", "1-9,300-400"},
		{`"routeTableRanges": [{"min": 9, "max": 1}]`, "RouteTableRanges", "x"},
		{`"healthTimeoutOverrides": [{"name": "Dataplane", "timeout": "2m"}]`, "HealthTimeoutOverrides", "Dataplane=120s"},
		{`"healthTimeoutOverrides": [{"name": "Dataplane"}]`, "HealthTimeoutOverrides", "x"},
	} {
		for _, useNumber := range []bool{false, true} {
			spec := decode(t, "{"+c.json+"}", useNumber)
			r := NewTable().Resolve([]Layer{{Source: Cluster, Name: "default", Values: spec}}, nil)
			got := valueOf(r, c.setting)
			for _, p := range r.Problems {
				if p.Kind == Unusable {
					got = "x"
				}
			}
			if got != c.want {
				t.Errorf("{%s} gives %s = %s, want %s\n%v", c.json, c.setting, got, c.want, r.Problems)
			}
		}
	}
}

// TestNumbersOfEveryDecoder: encoding/json, its UseNumber, and Kubernetes' int64.
func TestNumbersOfEveryDecoder(t *testing.T) {
	for _, number := range []any{float64(4790), json.Number("4790"), int64(4790), int(4790), uint64(4790), "4790"} {
		r := NewTable().Resolve([]Layer{{Source: Cluster, Values: map[string]any{"vxlanPort": number}}}, nil)
		if r.Settings.VXLAN.Port != 4790 || len(r.Problems) != 0 {
			t.Errorf("%T gives port %d, %v", number, r.Settings.VXLAN.Port, r.Problems)
		}
	}
}

// TestStrangeGoValues are what no decoder gives, and what must not panic.
func TestStrangeGoValues(t *testing.T) {
	for _, v := range []any{struct{}{}, make(chan int), []int{1}, map[int]int{}, func() {}, complex(1, 1)} {
		r := NewTable().Resolve([]Layer{{Source: Cluster, Values: map[string]any{"vxlanPort": v}}}, nil)
		if len(r.Problems) != 1 || r.Settings.VXLAN.Port != 4789 {
			t.Errorf("%T: port %d, %v", v, r.Settings.VXLAN.Port, r.Problems)
		}
	}
}

// TestLongValuesAreCutInReports keeps a log line a line.
func TestLongValuesAreCutInReports(t *testing.T) {
	r := NewTable().Resolve([]Layer{FromEnvironment([]string{"FELIX_VXLANPORT=" + strings.Repeat("9", 1<<20)})}, nil)
	if len(r.Problems) != 1 || len(r.Problems[0].String()) > 500 {
		t.Errorf("%d problems, the first %d long", len(r.Problems), len(r.Problems[0].String()))
	}
}
