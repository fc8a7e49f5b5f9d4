package nft

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Chain is a list of rules. A chain with a Base is hooked into the packet path; one
// without is only reached by jump and goto.
type Chain struct {
	Name  string
	Base  *Base
	Rules []Rule
}

// Base says where a base chain is hooked in.
type Base struct {
	Type     ChainType
	Hook     Hook
	Priority int
	// Policy is Accept or Drop: what becomes of a packet that no rule ended.
	Policy Verdict
}

// ChainType is filter, nat or route.
type ChainType string

// The chain types.
const (
	Filter    ChainType = "filter"
	NAT       ChainType = "nat"
	RouteType ChainType = "route"
)

// Hook is one of the inet family's hooks, by the kernel's number (enum nf_inet_hooks).
type Hook uint32

// The hooks.
const (
	Prerouting  Hook = 0
	Input       Hook = 1
	Forward     Hook = 2
	Output      Hook = 3
	Postrouting Hook = 4
)

// String is nft's name for the hook.
func (h Hook) String() string {
	names := [...]string{"prerouting", "input", "forward", "output", "postrouting"}
	if int(h) < len(names) {
		return names[h]
	}
	return "hook" + strconv.Itoa(int(h))
}

// Priorities that others agree on (enum nf_ip_hook_priorities). Chains on a hook run in
// ascending order.
const (
	PriorityRaw       = -300
	PriorityConntrack = -200
	PriorityMangle    = -150
	PriorityDstNAT    = -100
	PriorityFilter    = 0
	PrioritySrcNAT    = 100
)

// String is the chain's declaration: "type filter hook forward priority 0; policy accept;".
func (b Base) String() string {
	return fmt.Sprintf("type %s hook %s priority %d; policy %s;", b.Type, b.Hook, b.Priority, b.Policy)
}

// Equal says whether two chains are hooked in alike; nil is a chain that is not.
func (b *Base) Equal(o *Base) bool {
	if b == nil || o == nil {
		return b == o
	}
	return *b == *o
}

// Table is a whole table, for printing and loading. Margay's are all of family inet.
type Table struct {
	Name     string
	Sets     []Set
	Elements map[string][]Element
	Chains   []Chain
}

// String is the table as text for `nft -f`. What is sorted does not depend on how the
// table came about: sets and maps by name, elements by key, then chains by name.
func (t Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %s {\n", t.Name)
	for _, s := range sorted(t.Sets, func(s Set) string { return s.Name }) {
		t.writeSet(&b, s)
	}
	for _, c := range sorted(t.Chains, func(c Chain) string { return c.Name }) {
		c.write(&b)
	}
	b.WriteString("}\n")
	return b.String()
}

func sorted[T any](in []T, name func(T) string) []T {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return out
}

func (t Table) writeSet(b *strings.Builder, s Set) {
	fmt.Fprintf(b, "\t%s %s {\n\t\ttype %s", s.keyword(), s.Name, s.Key)
	if s.VMap {
		b.WriteString(" : verdict")
	}
	if s.Interval {
		b.WriteString("\n\t\tflags interval")
	}
	if elements := slices.Sorted(slices.Values(t.Elements[s.Name])); len(elements) > 0 {
		b.WriteString("\n\t\telements = { ")
		for i, e := range elements {
			if i > 0 {
				b.WriteString(",\n\t\t\t     ")
			}
			b.WriteString(s.Text(e))
		}
		b.WriteString(" }")
	}
	b.WriteString("\n\t}\n\n")
}

func (c Chain) write(b *strings.Builder) {
	fmt.Fprintf(b, "\tchain %s {\n", c.Name)
	if c.Base != nil {
		fmt.Fprintf(b, "\t\t%s\n", c.Base)
	}
	for _, r := range c.Rules {
		fmt.Fprintf(b, "\t\t%s\n", r)
	}
	b.WriteString("\t}\n\n")
}
