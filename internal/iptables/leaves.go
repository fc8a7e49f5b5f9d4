package iptables

// tree is a tree as the driver keeps it: its leaves, and the chains that it was made into.
type tree struct {
	Tree
	leaves map[string]Leaf
	chains map[string]bool
}

// SetTree declares a tree; its leaves stay if it was there.
func (d *Driver) SetTree(t Tree) {
	k := t.Table + " " + t.Root
	if d.trees[k] == nil {
		d.trees[k] = &tree{leaves: map[string]Leaf{}, chains: map[string]bool{}}
	}
	d.trees[k].Tree = t
}

// RemoveTree says that a tree is not wanted.
func (d *Driver) RemoveTree(table, root string) {
	k := table + " " + root
	if t := d.trees[k]; t != nil {
		for name := range t.chains {
			d.RemoveChain(table, name)
		}
		delete(d.trees, k)
	}
}

// SetLeaf says where the packets of an interface go.
func (d *Driver) SetLeaf(table, root string, l Leaf) {
	if t := d.trees[table+" "+root]; t != nil {
		t.leaves[l.Interface] = l
	}
}

// RemoveLeaf takes an interface out of a tree.
func (d *Driver) RemoveLeaf(table, root, iface string) {
	if t := d.trees[table+" "+root]; t != nil {
		delete(t.leaves, iface)
	}
}

// Grow makes the chains of all trees anew, after their leaves have changed.
func (d *Driver) Grow() {
	for _, t := range d.trees {
		leaves := make([]Leaf, 0, len(t.leaves))
		for _, l := range t.leaves {
			leaves = append(leaves, l)
		}
		now := map[string]bool{}
		for _, c := range t.build(leaves) {
			now[c.Name] = true
			d.SetChain(c)
		}
		for name := range t.chains {
			if !now[name] {
				d.RemoveChain(t.Table, name)
			}
		}
		t.chains = now
	}
}
