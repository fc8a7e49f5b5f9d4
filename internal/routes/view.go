package routes

import (
	"maps"
	"net/netip"

	"github.com/margay-net/margay/internal/interfaces/rtnetlink"
)

// view is what the node has beside our routes, as far as those depend on it.
type view struct {
	links  map[int]Link
	byName map[string]int
	// addresses are those of one family that mean something beyond their link.
	addresses map[addressKey]rtnetlink.Address
	// leads are the routes of others that lead to the proxied gateway.
	leads map[leadKey]bool
}

type addressKey struct {
	link   int
	prefix netip.Prefix
}

type leadKey struct {
	key  Key
	link int
}

func newView() view {
	return view{
		links: map[int]Link{}, byName: map[string]int{},
		addresses: map[addressKey]rtnetlink.Address{}, leads: map[leadKey]bool{},
	}
}

// up is the interface of that name, if it is there and up.
func (v *view) up(name string) (Link, bool) {
	l, ok := v.links[v.byName[name]]
	return l, ok && l.Up
}

func (v *view) setLink(l Link) {
	if old, ok := v.links[l.Index]; ok && v.byName[old.Name] == l.Index {
		delete(v.byName, old.Name)
	}
	v.links[l.Index] = l
	v.byName[l.Name] = l.Index
}

// dropLink forgets a link, its addresses, and the routes of others through it.
func (v *view) dropLink(index int) {
	if v.byName[v.links[index].Name] == index {
		delete(v.byName, v.links[index].Name)
	}
	delete(v.links, index)
	for k := range v.addresses {
		if k.link == index {
			delete(v.addresses, k)
		}
	}
	v.dropLeads(index)
}

// sees says whether the links and addresses are those of another view. An event that is older than
// the last full read can have left a name without its link.
func (v *view) sees(other *view) bool {
	return maps.Equal(v.links, other.links) && maps.Equal(v.byName, other.byName) && maps.Equal(v.addresses, other.addresses)
}

// setAddress says whether anything has changed.
func (v *view) setAddress(a rtnetlink.Address, gone bool) bool {
	if a.LinkScope {
		return false
	}
	k := addressKey{a.Link, a.Prefix}
	old, had := v.addresses[k]
	if gone {
		delete(v.addresses, k)
		return had
	}
	v.addresses[k] = a
	return !had || old != a
}

// owns says whether the node has the address and may use it.
func (v *view) owns(a netip.Addr) bool {
	for k, has := range v.addresses {
		if k.prefix.Addr() == a && !has.Tentative {
			return true
		}
	}
	return false
}

// hasAddress says whether a link has any address that means something beyond it.
func (v *view) hasAddress(link int) bool {
	for k := range v.addresses {
		if k.link == link {
			return true
		}
	}
	return false
}

// connected is the interface, if one is up, in whose own subnet the address lies; the
// longest subnet wins, and the lowest index among equals.
func (v *view) connected(a netip.Addr) (Link, bool) {
	var best Link
	bits := -1
	for k := range v.addresses {
		l, ok := v.links[k.link]
		if !ok || !l.Up || k.prefix.IsSingleIP() || !k.prefix.Contains(a) || k.prefix.Addr() == a {
			continue
		}
		if k.prefix.Bits() > bits || (k.prefix.Bits() == bits && l.Index < best.Index) {
			best, bits = l, k.prefix.Bits()
		}
	}
	return best, bits >= 0
}

// carrier is the interface, if it is up, that has the address itself.
func (v *view) carrier(a netip.Addr) (Link, bool) {
	for k := range v.addresses {
		if l, ok := v.links[k.link]; ok && l.Up && k.prefix.Addr() == a {
			return l, true
		}
	}
	return Link{}, false
}

// setLead takes note of a route of somebody else's if it leads to the proxied gateway,
// and says whether that has changed anything. Pod interfaces are where the question for
// the gateway comes from: a route there is no way elsewhere.
func (v *view) setLead(r Route, proxied netip.Addr, pod, gone bool) bool {
	if !proxied.IsValid() || r.Type != rtnetlink.Unicast || r.Protocol == Protocol || pod || !r.Destination.Contains(proxied) {
		return false
	}
	k := leadKey{r.Key(), r.Link}
	had := v.leads[k]
	if gone {
		delete(v.leads, k)
	} else {
		v.leads[k] = true
	}
	return had == gone
}

func (v *view) dropLeads(link int) {
	for k := range v.leads {
		if k.link == link {
			delete(v.leads, k)
		}
	}
}

// leadsUnclear says whether a way to the proxied gateway has several next hops: which of
// them are left when a link goes is not told.
func (v *view) leadsUnclear() bool {
	for k := range v.leads {
		if k.link == 0 {
			return true
		}
	}
	return false
}
