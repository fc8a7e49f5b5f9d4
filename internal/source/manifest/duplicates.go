package manifest

import "strconv"

// fewKeys is up to how many keys of a mapping are compared with each other instead of being hashed.
const fewKeys = 12

// duplicates finds every key that a mapping has twice, in the whole document: a key that is written twice
// means two things, and which one counts depends on who reads it.
func (d *decoder) duplicates(n *node) {
	switch n.kind {
	case isList:
		for i, k := range n.kids {
			if k.kind == isList || k.kind == isMap {
				d.push(step{place: i})
				d.duplicates(k)
				d.pop()
			}
		}
	case isMap:
		d.duplicateKeys(n)
		for i := 0; i+1 < len(n.kids); i += 2 {
			if k := n.kids[i+1]; k.kind == isList || k.kind == isMap {
				d.push(step{name: n.kids[i].text})
				d.duplicates(k)
				d.pop()
			}
		}
	}
}

// duplicateKeys looks at the keys of one mapping.
func (d *decoder) duplicateKeys(n *node) {
	if len(n.kids) <= 2*fewKeys {
		for i := 2; i < len(n.kids); i += 2 {
			for j := 0; j < i; j += 2 {
				if n.kids[i].text == n.kids[j].text {
					d.duplicate(n.kids[j], n.kids[i])
					break
				}
			}
		}
		return
	}
	first := make(map[string]*node, len(n.kids)/2)
	for i := 0; i < len(n.kids); i += 2 {
		if f, ok := first[n.kids[i].text]; ok {
			d.duplicate(f, n.kids[i])
		} else {
			first[n.kids[i].text] = n.kids[i]
		}
	}
}

func (d *decoder) duplicate(first, second *node) {
	d.push(step{name: second.text})
	d.found = append(d.found, finding{
		reason: DuplicateKey, field: d.at(), line: int(second.line),
		message: "the key stands twice, in lines " + strconv.Itoa(int(first.line)) + " and " + strconv.Itoa(int(second.line)),
	})
	d.pop()
}
