package dataplane

import (
	"github.com/margay-net/margay/internal/config"
	"github.com/margay-net/margay/internal/rules"
)

// RulesSettings are the settings as policy looks at them, for the tests' oracle.
func RulesSettings(s *config.Settings) rules.Settings { return rulesSettings(s) }
