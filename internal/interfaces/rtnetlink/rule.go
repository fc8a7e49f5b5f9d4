package rtnetlink

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/margay-net/margay/internal/family"
)

// Rule is a routing rule: what does not carry the mark, or with Marked what does, is looked up
// in the table. Two Rules are the same to the kernel if they are equal with ==.
type Rule struct {
	Family   family.Family
	Priority uint32
	// Mark counts under Mask; a zero Mask asks for no mark.
	Mark, Mask uint32
	Marked     bool
	Table      uint32
	// Odd: the rule read asks for more than a mark, or does something else than look up.
	Odd bool
}

// String is the rule as `ip rule` prints it.
func (r Rule) String() string {
	not := "not "
	if r.Marked || r.Mask == 0 {
		not = ""
	}
	s := fmt.Sprintf("%d: %sfrom all", r.Priority, not)
	if r.Mask != 0 {
		s += fmt.Sprintf(" fwmark %#x/%#x", r.Mark, r.Mask)
	}
	s += fmt.Sprintf(" lookup %d", r.Table)
	if r.Odd {
		s += " (more)"
	}
	return s
}

// CreateRule adds a request for a new rule; EEXIST if there is an equal one.
func (b *Batch) CreateRule(r Rule) {
	b.rule(unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, r)
}

// DeleteRule adds a request to remove a rule; ENOENT if there is none.
func (b *Batch) DeleteRule(r Rule) { b.rule(unix.RTM_DELRULE, 0, r) }

// From linux/fib_rules.h: what the header's action says, and that the rule is negated.
const (
	lookUp = 1 // FR_ACT_TO_TBL
	invert = 2 // FIB_RULE_INVERT
)

// rule writes struct fib_rule_hdr and its attributes.
func (b *Batch) rule(kind, flags uint16, r Rule) {
	b.begin(kind, flags)
	b.body(AddressFamily(r.Family), 0, 0, 0, tableByte(r.Table), 0, 0, lookUp)
	if r.Mask != 0 && !r.Marked {
		b.u32(invert)
	} else {
		b.u32(0)
	}
	b.attrU32(unix.FRA_PRIORITY, r.Priority)
	b.attrU32(unix.FRA_TABLE, tableNumber(r.Table))
	if r.Mask != 0 {
		b.attrU32(unix.FRA_FWMARK, r.Mark)
		b.attrU32(unix.FRA_FWMASK, r.Mask)
	}
	b.end()
}

// Rules lists the rules of one family; a family that the kernel does not have has none.
func (s *Socket) Rules(f family.Family) ([]Rule, error) {
	var b Batch
	b.begin(unix.RTM_GETRULE, unix.NLM_F_DUMP)
	b.body(AddressFamily(f), 0, 0, 0, 0, 0, 0, 0)
	b.u32(0)
	b.end()
	var out []Rule
	err := s.dump(&b, func() { out = nil }, func(e Event) { out = append(out, *e.Rule) })
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return nil, nil
	}
	return out, wrap("list "+f.String()+" rules", err)
}

// decodeRule reads struct fib_rule_hdr.
func decodeRule(b []byte) (*Rule, bool) {
	const length = 12 // of the structure
	if len(b) < length || !isInternet(b[0]) {
		return nil, false
	}
	flags := u32(b[8:])
	r := &Rule{
		Family: familyOf(b[0]), Table: uint32(b[4]), Marked: flags&invert == 0,
		Odd: b[1] != 0 || b[2] != 0 || b[3] != 0 || b[7] != lookUp,
	}
	attributes(b[length:], func(kind uint16, v []byte) {
		switch kind {
		case unix.FRA_PRIORITY:
			r.Priority = u32(v)
		case unix.FRA_TABLE:
			r.Table = u32(v)
		case unix.FRA_FWMARK:
			r.Mark = u32(v)
		case unix.FRA_FWMASK:
			r.Mask = u32(v)
		case unix.FRA_IIFNAME, unix.FRA_OIFNAME, unix.FRA_L3MDEV, unix.FRA_UID_RANGE, unix.FRA_IP_PROTO,
			unix.FRA_SPORT_RANGE, unix.FRA_DPORT_RANGE, unix.FRA_GOTO, unix.FRA_TUN_ID:
			r.Odd = true
		case unix.FRA_SUPPRESS_PREFIXLEN, unix.FRA_SUPPRESS_IFGROUP:
			r.Odd = r.Odd || int32(u32(v)) >= 0
		}
	})
	if r.Table == unix.RT_TABLE_MAIN {
		r.Table = 0
	}
	if r.Mask == 0 { // an inverted rule without a mark matches nothing
		r.Odd = r.Odd || !r.Marked
		r.Marked = false
	}
	return r, true
}

func familyOf(af uint8) family.Family {
	if af == unix.AF_INET {
		return family.V4
	}
	return family.V6
}
