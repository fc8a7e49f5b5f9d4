package calc

import (
	"hash/maphash"
	"strings"

	"github.com/margay-net/margay/internal/model"
)

// space is a namespace: one that exists, or one that something in it names.
type space struct {
	name    string
	labels  labels // with their prefix; none while the Namespace object is not there
	uses    uint32 // pods, accounts and classes in it, and the object itself
	classes uint32 // the first of the classes in it
	exists  bool
}

// account is a service account, likewise.
type account struct {
	name   string
	labels labels
	space  uint32
	uses   uint32 // classes with it, and the object itself
	exists bool
}

// heritage keeps what pods inherit labels from. An object that is not there leaves
// nothing to inherit, not even its name.
type heritage struct {
	labels     *labelStore
	spaces     slab[space]
	spaceNames lookup
	accounts   slab[account]
	byAccount  lookup
}

// holdSpace finds or makes the namespace's record. Space 0 is that of cluster-wide
// objects: there is nothing to inherit from it.
func (h *heritage) holdSpace(name string) uint32 {
	if name == "" {
		return 0
	}
	id := h.findSpace(name)
	if id == 0 {
		id = h.spaces.alloc()
		h.spaces.at(id).name = name
		h.spaceNames.insert(h.hash(name), id)
	}
	h.spaces.at(id).uses++
	return id
}

func (h *heritage) findSpace(name string) uint32 {
	return h.spaceNames.find(h.hash(name), func(id uint32) bool { return h.spaces.at(id).name == name })
}

func (h *heritage) spaceName(id uint32) string {
	if id == 0 {
		return ""
	}
	return h.spaces.at(id).name
}

func (h *heritage) releaseSpace(id uint32) {
	if id == 0 {
		return
	}
	s := h.spaces.at(id)
	if s.uses--; s.uses == 0 {
		h.spaceNames.remove(h.hash(s.name), id)
		h.spaces.release(id)
	}
}

// holdAccount finds or makes the service account's record.
func (h *heritage) holdAccount(space uint32, name string) uint32 {
	if name == "" {
		return 0
	}
	id := h.findAccount(space, name)
	if id == 0 {
		id = h.accounts.alloc()
		*h.accounts.at(id) = account{space: space, name: name}
		h.byAccount.insert(h.hash(name)+space, id)
		if space != 0 {
			h.spaces.at(space).uses++
		}
	}
	h.accounts.at(id).uses++
	return id
}

func (h *heritage) findAccount(space uint32, name string) uint32 {
	return h.byAccount.find(h.hash(name)+space, func(id uint32) bool {
		a := h.accounts.at(id)
		return a.space == space && a.name == name
	})
}

func (h *heritage) releaseAccount(id uint32) {
	if id == 0 {
		return
	}
	a := h.accounts.at(id)
	if a.uses--; a.uses == 0 {
		space := a.space
		h.byAccount.remove(h.hash(a.name)+space, id)
		h.accounts.release(id)
		h.releaseSpace(space)
	}
}

func (h *heritage) hash(name string) uint32 { return fold(maphash.String(h.labels.seed, name)) }

// inherited packs an object's labels as its pods inherit them.
func (h *heritage) inherited(prefix, name string, own map[string]string) labels {
	m := make(map[string]string, len(own)+1)
	for label, value := range own {
		m[prefix+label] = value
	}
	m[prefix+model.NameLabel] = name
	shape, values := h.labels.pack(m, anyName)
	return labels{shape, string(values)}
}

func anyName(string) bool { return true }

// notInherited says whether something in a namespace can have a label of this name itself.
// Calico lets such labels pass, so that who may label a pod can put it into any namespace
// as far as namespace selectors are concerned.
func notInherited(name string) bool {
	return !strings.HasPrefix(name, model.NamespacePrefix) && !strings.HasPrefix(name, model.ServiceAccountPrefix)
}
