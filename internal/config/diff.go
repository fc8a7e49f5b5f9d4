package config

// Change is a setting whose value differs between two outcomes.
type Change struct {
	Name     string
	Old, New string // in canonical text; empty where there is no value
	// Restart says that the new value waits until the agent is restarted.
	Restart bool
}

// Diff lists the settings that changed from one outcome to the next, in the order of
// the table. A change that waits for a restart is listed when it comes up, and again
// if the waiting value changes or is taken back. A nil before is the built-in defaults.
func Diff(before, after *Resolved) []Change {
	if before == nil {
		before = &Resolved{Settings: after.table.factory}
	}
	var changes []Change
	for _, s := range after.table.all {
		ran, runs := s.Value.text(&before.Settings), s.Value.text(&after.Settings)
		if ran != runs {
			changes = append(changes, Change{Name: s.Name, Old: ran, New: runs})
			continue
		}
		waitedFor, waitsFor := before.afterRestart(s), after.afterRestart(s)
		if waitedFor != waitsFor {
			changes = append(changes, Change{Name: s.Name, Old: waitedFor, New: waitsFor, Restart: true})
		}
	}
	return changes
}

// afterRestart is the value that a setting would have if the agent were restarted now.
func (r *Resolved) afterRestart(s *Setting) string {
	if text, waiting := r.waiting[s.Name]; waiting {
		return text
	}
	return s.Value.text(&r.Settings)
}
