package calc

import "strings"

// names numbers node names, of which every pod has one.
type names struct {
	texts slab[countedName]
	ids   map[string]uint32
}

type countedName struct {
	text string
	uses int
}

// hold numbers the name, 0 being the empty one.
func (n *names) hold(text string) uint32 {
	if text == "" {
		return 0
	}
	id, known := n.ids[text]
	if !known {
		text = strings.Clone(text)
		id = n.texts.alloc()
		n.texts.at(id).text = text
		n.ids[text] = id
	}
	n.texts.at(id).uses++
	return id
}

func (n *names) release(id uint32) {
	if id == 0 {
		return
	}
	if c := n.texts.at(id); c.uses > 1 {
		c.uses--
	} else {
		delete(n.ids, c.text)
		n.texts.release(id)
	}
}

func (n *names) text(id uint32) string {
	if id == 0 {
		return ""
	}
	return n.texts.at(id).text
}
