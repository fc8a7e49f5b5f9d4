package config

import (
	"fmt"

	"github.com/margay-net/margay/internal/family"
)

// conflicts reports values that are each fine and do not work together.
func conflicts(s *Settings) []Problem {
	var found []Problem
	report := func(setting, reason string) {
		found = append(found, Problem{Kind: Conflicting, Setting: setting, Reason: reason})
	}
	if s.Datastore.Type == Files && s.Datastore.Directory == "" {
		report("DatastoreType", "files needs FilesDirectory (flag --manifests)")
	}
	if s.Families().Empty() {
		report("Ipv4Support", "both families are off: all traffic of pods is dropped")
	}
	for _, f := range family.All() {
		if s.Routes.ElevatedPriority.Get(f) >= s.Routes.Priority.Get(f) {
			report(fmt.Sprintf("%vElevatedRoutePriority", f), fmt.Sprintf(
				"must be lower than %vNormalRoutePriority for the route to win", f))
		}
	}
	tunnelConflicts(s, report)
	listenerConflicts(s, report)
	return found
}

// tunnelConflicts finds UDP ports and devices that two tunnels want.
func tunnelConflicts(s *Settings, report func(setting, reason string)) {
	wg := &s.Wireguard
	for _, f := range family.All() {
		if wg.Enabled.Get(f) && wg.Port.Get(f) == s.VXLAN.Port {
			report("VXLANPort", fmt.Sprintf("is WireGuard's port for %v too", f))
		}
	}
	if !wg.Enabled.Get(family.V4) || !wg.Enabled.Get(family.V6) {
		return
	}
	if wg.Port.Get(family.V4) == wg.Port.Get(family.V6) {
		report("WireguardListeningPortV6", "must differ from WireguardListeningPort: each device has a socket of its own")
	}
	if wg.Interface.Get(family.V4) == wg.Interface.Get(family.V6) {
		report("WireguardInterfaceNameV6", "must differ from WireguardInterfaceName")
	}
}

// listenerConflicts finds TCP ports that two of the agent's servers want.
func listenerConflicts(s *Settings, report func(setting, reason string)) {
	type server struct {
		setting string
		port    uint16
	}
	var earlier []server
	for _, next := range []struct {
		server
		on bool
	}{
		{server{"HealthPort", s.Health.Port}, s.Health.Enabled},
		{server{"PrometheusMetricsPort", s.Metrics.Port}, s.Metrics.Enabled},
		{server{"DebugPort", s.Debug.Port}, true},
	} {
		if !next.on || next.port == 0 {
			continue
		}
		for _, e := range earlier {
			if e.port == next.port {
				report(next.setting, fmt.Sprintf("is the same port as %s, %d", e.setting, e.port))
			}
		}
		earlier = append(earlier, next.server)
	}
}
