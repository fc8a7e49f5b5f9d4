package rules

import (
	"fmt"
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// Trace is what becomes of one packet and why.
type Trace struct {
	Packet  Packet
	Way     Way
	Allowed bool
	// Steps are what had a say, in order; the last one decided.
	Steps []Step
}

// Stage is where on its way a packet meets a decision.
type Stage string

// The stages, in the order in which a packet meets them.
const (
	StageSource  Stage = "source"  // may the pod send from this address
	StageEgress  Stage = "egress"  // policy of the sending pod
	StageIngress Stage = "ingress" // policy of the receiving pod
	StageNode    Stage = "node"    // the node's own end
)

// Step is one thing that had a say. The zero Policy and the empty Tier stand for none.
type Step struct {
	Stage  Stage
	Tier   string
	Policy model.PolicyID
	// Rule is the rule's place in its policy as its author wrote it, from 0. It counts
	// where Policy is set.
	Rule   int
	Reason string
}

// String is one line.
func (s Step) String() string {
	var b strings.Builder
	if s.Tier != "" {
		fmt.Fprintf(&b, "tier %s, ", s.Tier)
	}
	if s.Policy != (model.PolicyID{}) {
		fmt.Fprintf(&b, "%v, %s rule %d: ", s.Policy, s.Stage, s.Rule)
	}
	return b.String() + s.Reason
}

// String is the packet, a line for each step, and the verdict.
func (t *Trace) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v, %v\n", &t.Packet, t.Way)
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "  %-8s %v\n", s.Stage+":", s)
	}
	b.WriteString(verdict(t.Allowed) + "\n")
	return b.String()
}

func verdict(allowed bool) string {
	if allowed {
		return "allowed"
	}
	return "denied"
}
