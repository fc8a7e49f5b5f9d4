package dataplane

import (
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/rules"
)

// RulesSettings are the settings as policy looks at them, for the tests' oracle.
func RulesSettings(s *config.Settings) rules.Settings { return rulesSettings(s) }

// Backends are those that have anything in the calling thread's namespaces, as one looks for
// leftovers.
func Backends() (out []string, err error) {
	found, err := findLeftovers(&iptables.Probe{})
	for _, l := range found {
		out = append(out, l.String())
	}
	return out, err
}
