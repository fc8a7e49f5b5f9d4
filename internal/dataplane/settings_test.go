package dataplane

import (
	"strings"
	"testing"
	"time"

	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/rules"
)

// settingsFrom resolves settings made in the environment.
func settingsFrom(t *testing.T, environment ...string) *config.Settings {
	t.Helper()
	r := config.NewTable().Resolve([]config.Layer{config.FromEnvironment(environment)}, nil)
	if len(r.Problems) > 0 {
		t.Fatalf("%v", r.Problems)
	}
	return &r.Settings
}

func TestWhatPolicyMakesOfSettings(t *testing.T) {
	s := rulesSettings(settingsFrom(t,
		"FELIX_DEFAULTENDPOINTTOHOSTACTION=RETURN",
		"FELIX_WORKLOADSOURCESPOOFING=Any",
		"FELIX_NATOUTGOINGEXCLUSIONS=IPPoolsAndHostIPs",
		"FELIX_IPTABLESNATOUTGOINGINTERFACEFILTER=eth+",
		"FELIX_LOGACTIONRATELIMIT=10/minute",
		"FELIX_IPV4SUPPORT=false",
	))
	if s.HostAction != rules.HostReturn || !s.AllowSpoofing || !s.NAT.ExcludeHosts {
		t.Errorf("%+v", s)
	}
	if s.NAT.Interface != "eth*" {
		t.Errorf("NAT for interface %q, want eth*", s.NAT.Interface)
	}
	if want := (rules.LogLimit{Count: 10, Per: time.Minute, Burst: 5}); s.LogLimit != want {
		t.Errorf("log limit %+v, want %+v", s.LogLimit, want)
	}
	if s.Families != family.NewSet(family.V6) {
		t.Errorf("families %v, want IPv6", s.Families)
	}
}

func TestMasqueradingKeepsOffTheTunnelsPorts(t *testing.T) {
	s := rulesSettings(settingsFrom(t, "FELIX_VXLANPORT=4790", "FELIX_WIREGUARDLISTENINGPORTV6=51999"))
	want := map[uint16]bool{4790: true, 51820: true, 51999: true}
	if len(s.NAT.ReservedUDP) != len(want) {
		t.Errorf("%v", s.NAT.ReservedUDP)
	}
	for _, p := range s.NAT.ReservedUDP {
		if !want[p] {
			t.Errorf("port %d is no tunnel's", p)
		}
	}
}

func TestRoutesOfAFamilyThatIsOff(t *testing.T) {
	s := settingsFrom(t, "FELIX_IPV6SUPPORT=false", "FELIX_PROGRAMCLUSTERROUTES=Enabled", "FELIX_IPV4NORMALROUTEPRIORITY=2000")
	if r := routeSettings(s, family.V4); r.Off || !r.ClusterRoutes || r.PodMetric != 2000 {
		t.Errorf("IPv4: %+v", r)
	}
	if r := routeSettings(s, family.V6); !r.Off || r.PodMetric != 1024 {
		t.Errorf("IPv6: %+v", r)
	}
	if !interfaceSettings(s, family.V6).Off || interfaceSettings(s, family.V4).Off {
		t.Error("the interfaces of the family that is off are not left alone")
	}
}

func TestTheAuditOfInterfaces(t *testing.T) {
	for environment, want := range map[string]time.Duration{
		"FELIX_IPV6SUPPORT=true": 90 * time.Second, "FELIX_INTERFACEREFRESHINTERVAL=600": 10 * time.Minute, "FELIX_INTERFACEREFRESHINTERVAL=0": 0,
	} {
		for _, f := range family.All() {
			if got := interfaceSettings(settingsFrom(t, environment), f).Audit; got != want {
				t.Errorf("%s, %v: every %v, want %v", environment, f, got, want)
			}
		}
	}
}

func TestAPrefixThatIsGivenUpStaysGuarded(t *testing.T) {
	s := settingsFrom(t, "FELIX_INTERFACEPREFIX=foo,tap")
	now := stillGuarding(s, []string{"cali", "tap"})
	if got := strings.Join(now.Interfaces.Prefixes, ","); got != "foo,tap,cali" {
		t.Errorf("guarded: %s", got)
	}
	if got := strings.Join(s.Interfaces.Prefixes, ","); got != "foo,tap" {
		t.Errorf("the settings themselves have become %s", got)
	}
}
