package render

import (
	"fmt"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/iptables"
	"github.com/margay-net/margay/internal/rules"
)

// Idiom is what is asked of iptables in particular.
type Idiom struct {
	Marks rules.Marks
	// Last puts our rules behind those of others in the kernel's chains (ChainInsertMode
	// append).
	Last bool
	// LeaveAllowed lets packets that policy allows go on through others' rules in the filter
	// table (IptablesFilterAllowAction RETURN).
	LeaveAllowed bool
	// Reject answers denied packets (IptablesFilterDenyAction REJECT). Those that are dropped
	// before policy is asked, in the raw table, never are.
	Reject bool
	// PredictablePorts leaves the choice of NAT's ports to the kernel: the program does not
	// know --random-fully.
	PredictablePorts bool
}

// Renderer renders one family under the given settings. When these change, all of it is to
// be rendered anew, by another Renderer.
type Renderer struct {
	family   family.Family
	settings rules.Settings
	idiom    Idiom
}

// New makes a Renderer.
func New(f family.Family, s rules.Settings, i Idiom) *Renderer {
	return &Renderer{family: f, settings: s, idiom: i}
}

// on says whether the family is switched on. While it is off, nothing but the base part has
// anything in it.
func (r *Renderer) on() bool { return r.settings.Families.Has(r.family) }

// The verdicts.
var (
	accept = iptables.Text("-j ACCEPT")
	drop   = iptables.Text("-j DROP")
	back   = iptables.Text("-j RETURN")
)

// deny is what becomes of a denied packet in the filter table.
func (r *Renderer) deny() iptables.Words {
	if r.idiom.Reject {
		return iptables.Text("-j REJECT")
	}
	return drop
}

// allow is what becomes of a packet that policy allows, in the end.
func (r *Renderer) allow() iptables.Words {
	if r.idiom.LeaveAllowed {
		return back
	}
	return accept
}

// setMark sets bits of the mark, and clearMarks clears all of ours.
func setMark(bit uint32) iptables.Words {
	return iptables.Text(fmt.Sprintf("-j MARK --set-xmark %#x/%#x", bit, bit))
}

func (r *Renderer) clearMarks() iptables.Rule {
	return iptables.NewRule("", iptables.Text(fmt.Sprintf("-j MARK --set-xmark 0x0/%#x", r.idiom.Marks.All())))
}

func marked(bit uint32) iptables.Words {
	return iptables.Text(fmt.Sprintf("-m mark --mark %#x/%#x", bit, bit))
}

// matching are words that match, and do nothing.
func matching(format string, args ...any) iptables.Words {
	return iptables.Text(fmt.Sprintf(format, args...))
}
