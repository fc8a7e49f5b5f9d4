package config

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEverySettingOfFelixIsKnown reads testdata/felix-names.txt, which was written down
// from Felix and not from our table.
func TestEverySettingOfFelixIsKnown(t *testing.T) {
	content, err := os.ReadFile("testdata/felix-names.txt")
	if err != nil {
		t.Fatal(err)
	}
	table, seen := NewTable(), map[string]bool{}
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, field, _ := strings.Cut(strings.TrimSpace(line), " ")
		seen[name] = true
		s := table.Lookup(name)
		switch {
		case s == nil:
			t.Errorf("%s is unknown", name)
		case s.Name != name || s.Field != field:
			t.Errorf("the table has %s %s, Felix %s %s", s.Name, s.Field, name, field)
		}
	}
	var ours []string
	for _, s := range table.byName {
		if !seen[s.Name] {
			ours = append(ours, s.Name)
			if !strings.Contains(s.Differs, "Margay's own") {
				t.Errorf("%s is not Felix's and does not say that it is Margay's own", s.Name)
			}
		}
	}
	if len(ours) != 13 {
		t.Errorf("Margay's own settings are %v; want Ipv4Support, NATOutgoingAddressIPv6, FilesDirectory, FilesMaxSizeMB, PolicyCounters, SysctlDirectory, VXLANUnderlay, MTUFile, Kubeconfig, KubernetesLostSharePercent, WireguardBackend, WireguardRequired, WireguardStateDirectory", ours)
	}
}

// TestDefaultsAreFelixs checks the built-in values against Felix's documentation. The
// ones marked differ on purpose.
func TestDefaultsAreFelixs(t *testing.T) {
	const wants = `
DatastoreType                       kubernetes        differs: etcdv3
FelixHostname                       none
FilesDirectory                      none              differs: ours
FilesMaxSizeMB                      256               differs: ours
Kubeconfig                          none              differs: ours
KubernetesLostSharePercent          30                differs: ours
Ipv4Support                         true              differs: ours
Ipv6Support                         true
InterfacePrefix                     cali
InterfaceExclude                    kube-ipvs0
InterfaceRefreshInterval            90s
SysctlDirectory                     /proc/sys
IPv4NormalRoutePriority             1024
IPv4ElevatedRoutePriority           512
IPv6NormalRoutePriority             1024
IPv6ElevatedRoutePriority           512
DeviceRouteProtocol                 3
DeviceRouteSourceAddress            none
DeviceRouteSourceAddressIPv6        none
ProgramClusterRoutes                EnabledIPIPOnly
RemoveExternalRoutes                true
RouteSyncDisabled                   false
IPForwarding                        Enabled
RouteTableRanges                    none
DefaultEndpointToHostAction         DROP
WorkloadSourceSpoofing              Disabled
DisableConntrackInvalidCheck        false
AllowVXLANPacketsFromWorkloads      false
AllowIPIPPacketsFromWorkloads       false
PolicyCounters                      false             differs: ours
LogPrefix                           calico-packet
LogActionRateLimit                  none
LogActionRateLimitBurst             5
FailsafeInboundHostPorts            tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667
FailsafeOutboundHostPorts           udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667
NATOutgoingAddress                  none
NATOutgoingAddressIPv6              none              differs: ours
NATOutgoingExclusions               IPPoolsOnly
NATPortRange                        none
IptablesNATOutgoingInterfaceFilter  none
MTUIfacePattern                     ^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*)
MTUFile                             /var/lib/calico/mtu   differs: ours
RequireMTUFile                      false
VXLANUnderlay                       PerFamily         differs: ours
VXLANEnabled                        none
VXLANPort                           4789
VXLANVNI                            4096
VXLANMTU                            0
VXLANMTUV6                          0
FeatureDetectOverride               none
ExternalNodesCIDRList               none
IpInIpEnabled                       none
IpInIpMtu                           0
WireguardEnabled                    false
WireguardInterfaceName              wireguard.cali
WireguardListeningPort              51820
WireguardMTU                        0
WireguardEnabledV6                  false
WireguardInterfaceNameV6            wg-v6.cali
WireguardListeningPortV6            51821
WireguardMTUV6                      0
WireguardRoutingRulePriority        99
WireguardPersistentKeepAlive        0s
WireguardHostEncryptionEnabled      false
WireguardThreadingEnabled           false
WireguardBackend                    Auto
WireguardRequired                   false
WireguardStateDirectory             none
NFTablesMode                        Auto
NftablesFilterDenyAction            DROP
NftablesMarkMask                    0xffff0000
IptablesBackend                     Auto
ChainInsertMode                     insert
IptablesFilterAllowAction           ACCEPT
IptablesMangleAllowAction           ACCEPT
IptablesFilterDenyAction            DROP
IptablesMarkMask                    0xffff0000
IptablesRefreshInterval             180s
IptablesPostWriteCheckIntervalSecs  5s
IptablesLockProbeIntervalMillis     50ms
IpsetsRefreshInterval               90s
MaxIpsetSize                        1048576
HealthEnabled                       true              differs: false
HealthHost                          localhost
HealthPort                          9099
HealthTimeoutOverrides              none
PrometheusMetricsEnabled            true              differs: false
PrometheusMetricsHost               localhost         differs: everywhere
PrometheusMetricsPort               9091
PrometheusGoMetricsEnabled          true
PrometheusProcessMetricsEnabled     true
PrometheusWireGuardMetricsEnabled   true
PrometheusMetricsCertFile           none
PrometheusMetricsKeyFile            none
PrometheusMetricsCAFile             none
PrometheusMetricsClientAuth         NoClientCert
DebugHost                           localhost
DebugPort                           0
LogSeverityScreen                   INFO
GoGCThreshold                       40
GoMemoryLimitMB                     -1
GoMaxProcs                          -1
`
	table := NewTable()
	r := table.Resolve(nil, nil)
	var got, want []string
	for _, s := range table.all {
		got = append(got, s.Name+" "+valueOf(r, s.Name))
	}
	for line := range strings.Lines(strings.TrimSpace(wants)) {
		words := strings.Fields(line)
		want = append(want, words[0]+" "+words[1])
		if differs := len(words) > 2; differs != (table.Lookup(words[0]).Differs != "") && differs {
			t.Errorf("%s differs from Felix and does not say so", words[0])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("built-in values (-want +got):\n%s", diff)
	}
	if len(r.Problems) > 0 {
		t.Errorf("the built-in values have problems: %v", r.Problems)
	}
}

// TestRowsReadAlike holds what every row must say for docs and messages to read well.
func TestRowsReadAlike(t *testing.T) {
	table := NewTable()
	for _, g := range table.Groups() {
		for _, s := range g.Settings {
			if !strings.HasSuffix(s.Help, ".") || s.Differs != "" && !strings.HasSuffix(s.Differs, ".") {
				t.Errorf("%s: help and differences are sentences", s.Name)
			}
			if strings.HasSuffix(s.NotYet, ".") {
				t.Errorf("%s: NotYet goes into a sentence and has no full stop", s.Name)
			}
			if strings.Contains(s.Name+s.Field, " ") {
				t.Errorf("%s %s holds a space", s.Name, s.Field)
			}
		}
	}
	for _, g := range table.Without() {
		for _, s := range g.Settings {
			if s.Value != nil || strings.HasSuffix(s.NoEffect, ".") {
				t.Errorf("%s has a value, or its reason a full stop", s.Name)
			}
		}
	}
}

// TestOnlyWhatMustNeedsARestart lists the settings that do not reload.
func TestOnlyWhatMustNeedsARestart(t *testing.T) {
	var got []string
	for _, s := range NewTable().all {
		if s.Restart {
			got = append(got, s.Name)
		}
		if s.Restart && !s.Local() {
			t.Errorf("%s can be changed in the datastore, where a restart cannot be asked for", s.Name)
		}
	}
	if want := []string{"DatastoreType", "FelixHostname", "FilesDirectory", "Kubeconfig", "SysctlDirectory"}; !cmp.Equal(want, got) {
		t.Errorf("restart for %v, want %v", got, want)
	}
}

// TestEveryFieldOfSettingsHasARow sets every row to something else than its zero value
// and looks for fields of Settings that stayed zero.
func TestEveryFieldOfSettingsHasARow(t *testing.T) {
	table, s := NewTable(), Settings{}
	for _, row := range table.all {
		if !assignAny(row, &s) {
			t.Errorf("%s: no sample value fits; add one", row.Name)
		}
	}
	eachLeaf("Settings", reflect.ValueOf(s), func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s is set by no row", path)
		}
	})
}

// TestRowsDoNotShareAField assigns each row alone and checks that no other changes.
func TestRowsDoNotShareAField(t *testing.T) {
	table := NewTable()
	for _, row := range table.all {
		var s, zero Settings
		assignAny(row, &s)
		for _, other := range table.all {
			if other != row && other.Value.text(&s) != other.Value.text(&zero) {
				t.Errorf("%s changes %s", row.Name, other.Name)
			}
		}
	}
}

// assignAny gives a row the first sample that it takes and that is not its zero value.
func assignAny(row *Setting, s *Settings) bool {
	var zero Settings
	for _, sample := range []string{
		"true", "7", "1400", "192.0.2.1", "2001:db8::1", "1-9", "tcp:22", "kubernetes", "Enabled", "DROP", "ACCEPT",
		"Any", "IPPoolsOnly", "Auto", "insert", "NoClientCert", "INFO", "10/second", "a=5s", "0xff", "eth0", "IPv6", "ChecksumOffloadBroken=true",
	} {
		if row.Value.assign(s, sample) == nil && row.Value.text(s) != row.Value.text(&zero) {
			return true
		}
	}
	return false
}

// eachLeaf calls f for every field within v that has no exported fields itself.
func eachLeaf(path string, v reflect.Value, f func(path string, v reflect.Value)) {
	isPair := strings.HasPrefix(v.Type().Name(), "Pair[")
	if isPair {
		v = v.Field(0)
		for i := range v.Len() {
			f(path, v.Index(i))
		}
		return
	}
	if v.Kind() != reflect.Struct || v.NumField() == 0 || !v.Type().Field(0).IsExported() {
		f(path, v)
		return
	}
	for i := range v.NumField() {
		eachLeaf(path+"."+v.Type().Field(i).Name, v.Field(i), f)
	}
}

// valueOf is the canonical text of a setting in an outcome, "none" for nothing.
func valueOf(r *Resolved, name string) string {
	if text := r.table.Lookup(name).Value.text(&r.Settings); text != "" {
		return text
	}
	return none
}
