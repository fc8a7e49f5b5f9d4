package manifest

// nodeAlloc hands out the nodes of one document in slabs, since a document has hundreds of them.
type nodeAlloc struct {
	slab  []node
	links []*node
	// stack holds the kids of the collections that are being read.
	stack []*node
}

// The first slab is small, for small documents; the following ones double up to the limit.
const (
	firstSlab = 64
	lastSlab  = 1024
)

func (a *nodeAlloc) node(k kind, line int, text string) *node {
	if len(a.slab) == cap(a.slab) {
		a.slab = make([]node, 0, min(max(2*cap(a.slab), firstSlab), lastSlab))
	}
	a.slab = append(a.slab, node{kind: k, line: int32(line), text: text})
	return &a.slab[len(a.slab)-1]
}

// mark returns where the kids of a new collection begin.
func (a *nodeAlloc) mark() int { return len(a.stack) }

func (a *nodeAlloc) push(n *node) { a.stack = append(a.stack, n) }

// pop takes the kids of a collection off the stack.
func (a *nodeAlloc) pop(mark int) []*node {
	kids := a.stack[mark:]
	if len(kids) == 0 {
		return nil
	}
	if len(kids) > cap(a.links)-len(a.links) {
		a.links = make([]*node, 0, max(len(kids), min(max(2*cap(a.links), firstSlab), lastSlab)))
	}
	from := len(a.links)
	a.links = append(a.links, kids...)
	a.stack = a.stack[:mark]
	return a.links[from:len(a.links):len(a.links)]
}
