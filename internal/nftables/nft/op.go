package nft

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Op is one step of a transaction. The kinds of step are a closed set.
type Op interface {
	// String is the step as nft writes it.
	String() string
	encode(b *Batch)
}

// AddTable makes the table, if it is not there, and switches it on if it is dormant.
type AddTable struct{ Table string }

// AddChain makes a chain without rules.
type AddChain struct {
	Name string
	Base *Base
}

// DeleteChain deletes a chain and its rules. The kernel refuses (EBUSY) while a rule or a
// map leads to it.
type DeleteChain struct{ Name string }

// FlushChain deletes a chain's rules.
type FlushChain struct{ Name string }

// AddRule puts a rule into a chain: before the rule with the handle Before, or with 0 at
// the chain's end.
type AddRule struct {
	Chain  string
	Rule   Rule
	Hash   Hash
	Before uint64
}

// DeleteRule deletes a rule by its handle.
type DeleteRule struct {
	Chain  string
	Handle uint64
}

// AddSet makes a set or map without elements.
type AddSet struct{ Set Set }

// DeleteSet deletes a set or map and its elements. The kernel refuses (EBUSY) while a rule
// uses it.
type DeleteSet struct{ Set Set }

// AddElements adds elements to a set. One that is there already is an error (EEXIST).
type AddElements struct {
	Set      Set
	Elements []Element
}

// DeleteElements deletes elements from a set. One that is not there is an error (ENOENT).
type DeleteElements struct {
	Set      Set
	Elements []Element
}

// FlushSet deletes all elements of a set.
type FlushSet struct{ Set Set }

func (o AddTable) String() string    { return "add table " + o.Table }
func (o DeleteChain) String() string { return "delete chain " + o.Name }
func (o FlushChain) String() string  { return "flush chain " + o.Name }
func (o DeleteRule) String() string {
	return fmt.Sprintf("delete rule %s handle %d", o.Chain, o.Handle)
}
func (o AddSet) String() string    { return "add " + o.Set.String() }
func (o DeleteSet) String() string { return "delete " + o.Set.keyword() + " " + o.Set.Name }
func (o FlushSet) String() string  { return "flush " + o.Set.keyword() + " " + o.Set.Name }

func (o AddChain) String() string {
	if o.Base == nil {
		return "add chain " + o.Name
	}
	return "add chain " + o.Name + " { " + o.Base.String() + " }"
}

func (o AddRule) String() string {
	if o.Before != 0 {
		return fmt.Sprintf("insert rule %s handle %d %s", o.Chain, o.Before, o.Rule)
	}
	return "add rule " + o.Chain + " " + o.Rule.String()
}

func (o AddElements) String() string    { return "add " + elementsText(o.Set, o.Elements) }
func (o DeleteElements) String() string { return "delete " + elementsText(o.Set, o.Elements) }

func elementsText(s Set, elements []Element) string {
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = s.Text(e)
	}
	return "element " + s.Name + " { " + strings.Join(texts, ", ") + " }"
}

func (o AddTable) encode(b *Batch) {
	b.open(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE)
	b.text(unix.NFTA_TABLE_NAME, o.Table)
	b.u32(unix.NFTA_TABLE_FLAGS, 0)
	b.close()
}

func (o AddChain) encode(b *Batch) {
	b.open(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	b.text(unix.NFTA_CHAIN_TABLE, b.table)
	b.text(unix.NFTA_CHAIN_NAME, o.Name)
	if o.Base != nil {
		hook := b.nest(unix.NFTA_CHAIN_HOOK)
		b.u32(unix.NFTA_HOOK_HOOKNUM, uint32(o.Base.Hook))
		b.u32(unix.NFTA_HOOK_PRIORITY, uint32(int32(o.Base.Priority)))
		b.end(hook)
		b.u32(unix.NFTA_CHAIN_POLICY, uint32(int32(o.Base.Policy.kind)))
		b.text(unix.NFTA_CHAIN_TYPE, string(o.Base.Type))
	}
	b.close()
}

func (o DeleteChain) encode(b *Batch) {
	b.open(unix.NFT_MSG_DELCHAIN, 0)
	b.text(unix.NFTA_CHAIN_TABLE, b.table)
	b.text(unix.NFTA_CHAIN_NAME, o.Name)
	b.close()
}

func (o FlushChain) encode(b *Batch) { DeleteRule{Chain: o.Name}.encode(b) }

func (o DeleteRule) encode(b *Batch) {
	b.open(unix.NFT_MSG_DELRULE, 0)
	b.text(unix.NFTA_RULE_TABLE, b.table)
	b.text(unix.NFTA_RULE_CHAIN, o.Chain)
	if o.Handle != 0 {
		b.u64(unix.NFTA_RULE_HANDLE, o.Handle)
	}
	b.close()
}

// encode writes the rule. Its anonymous sets are messages of their own, and come first.
func (o AddRule) encode(b *Batch) {
	e := &b.rule
	e.b, e.nfproto, e.l4proto = e.b[:0], 0, 0
	list := e.nest(unix.NFTA_RULE_EXPRESSIONS)
	for _, s := range o.Rule.Statements {
		s.encode(e)
	}
	e.end(list)
	e.userdata(o.Rule, o.Hash)

	flags := uint16(unix.NLM_F_CREATE | unix.NLM_F_ECHO)
	if o.Before == 0 {
		flags |= unix.NLM_F_APPEND
	}
	b.open(unix.NFT_MSG_NEWRULE, flags)
	b.text(unix.NFTA_RULE_TABLE, b.table)
	b.text(unix.NFTA_RULE_CHAIN, o.Chain)
	if o.Before != 0 {
		b.u64(unix.NFTA_RULE_POSITION, o.Before)
	}
	b.b = append(b.b, e.b...)
	b.close()
}

// Kinds of note in a rule's userdata. nft shows the comment (libnftnl's
// NFTNL_UDATA_RULE_COMMENT) and passes over what it does not know; the hash is ours.
const (
	noteComment = 0
	noteHash    = 'm'
)

func (e *encoder) userdata(r Rule, h Hash) {
	var room [2 + maxText + 1 + 2 + len(h)]byte
	notes := room[:0]
	if c := comment(r.Comment); c != "" {
		notes = append(notes, noteComment, byte(len(c)+1))
		notes = append(append(notes, c...), 0)
	}
	notes = append(append(notes, noteHash, byte(len(h))), h[:]...)
	e.bytes(unix.NFTA_RULE_USERDATA, notes)
}

func (o AddSet) encode(b *Batch) {
	flags := uint32(0)
	if o.Set.Interval {
		flags |= unix.NFT_SET_INTERVAL
	}
	if o.Set.VMap {
		flags |= unix.NFT_SET_MAP
	}
	b.encodeSet(o.Set.Name, o.Set.Key, unix.NLM_F_EXCL, flags, 0)
}

func (o DeleteSet) encode(b *Batch) {
	b.open(unix.NFT_MSG_DELSET, 0)
	b.text(unix.NFTA_SET_TABLE, b.table)
	b.text(unix.NFTA_SET_NAME, o.Set.Name)
	b.close()
}

func (o AddElements) encode(b *Batch) {
	b.encodeElements(unix.NFT_MSG_NEWSETELEM, o.Set.Name, 0, o.Set, o.Elements)
}

func (o DeleteElements) encode(b *Batch) {
	b.encodeElements(unix.NFT_MSG_DELSETELEM, o.Set.Name, 0, o.Set, o.Elements)
}

func (o FlushSet) encode(b *Batch) {
	b.open(unix.NFT_MSG_DELSETELEM, 0)
	b.text(unix.NFTA_SET_ELEM_LIST_TABLE, b.table)
	b.text(unix.NFTA_SET_ELEM_LIST_SET, o.Set.Name)
	b.close()
}
