package calc

import (
	"bytes"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// addresses decides which addresses count as whose. It goes in two steps, neither of
// which depends on the order of events:
//
// First every pod chooses, in each family, the one of its claims that is worth most: what
// an IPAM block gives it, else what its status shows, else what only the annotation of its
// CNI plugin shows. Annotations are writable by the pod's owner, so that one of the last
// kind is worth something only if it is plausible (see objection). Between claims of equal
// worth, one that is also in the status, then one that is also in the annotation, then the
// lower address is chosen. A pod that has released its addresses chooses nothing.
//
// Then each address goes to the pod whose claim is worth most, and of equals to the one
// whose key is smallest. Who loses has no address of that family: to fall back to its
// second choice would make one pod's addresses depend on those of any number of others.
type addresses struct {
	claimStore
	ipam *ipam
	// unsure are the pods with an address that only the annotation shows.
	unsure map[uint32]struct{}
	// doubted are ranges of which something has become known or unknown that bears on
	// whether such an address is believed.
	doubted []netip.Prefix
	// queue are pods that have to choose again.
	queue []uint32
	// contested are claims whose address has to be decided again.
	contested []uint32
	said      []saying
}

// saying is an address that a Pod object shows, and where.
type saying struct {
	address address
	by      sayers
}

// choose puts a pod on the queue of those whose addresses are to be chosen.
func (a *addresses) choose(pod uint32) {
	if p := a.pods.at(pod); p.flags&podQueued == 0 {
		p.flags |= podQueued
		a.queue = append(a.queue, pod)
	}
}

// touch lets every pod with a claim on the address choose again: what one has said may
// decide whether another is believed.
func (a *addresses) touch(addr address) {
	a.each(addr, func(_ uint32, c *claim) { a.choose(c.pod) })
}

// claim takes in what a Pod object says of addresses.
func (a *addresses) claim(pod uint32, claims *model.AddressClaims) {
	a.said = a.said[:0]
	for _, addr := range claims.Status {
		a.say(addr, inStatus)
	}
	for _, addr := range claims.Annotated {
		a.say(addr, inAnnotation)
	}
	flags := podExists
	if claims.Released {
		flags |= podReleased
	}
	if len(claims.Status) > 0 {
		flags |= podHasStatus
	}
	a.restate(pod, flags)
}

// disclaim takes in that the Pod object is gone. Its addresses are not counted from now.
func (a *addresses) disclaim(pod uint32) {
	a.of(pod, func(id uint32, c *claim) {
		if c.counted {
			c.counted = false
			a.contest(id)
		}
	})
	a.said = a.said[:0]
	a.restate(pod, 0)
}

func (a *addresses) say(addr netip.Addr, by sayers) {
	if !addr.IsValid() {
		return
	}
	key := addressOf(addr)
	for i := range a.said {
		if a.said[i].address == key {
			a.said[i].by |= by
			return
		}
	}
	a.said = append(a.said, saying{key, by})
}

// restate brings the pod's claims in line with what has been said.
func (a *addresses) restate(pod uint32, flags podFlags) {
	p := a.pods.at(pod)
	const kept = podExists | podReleased | podHasStatus
	changed := p.flags&kept != flags
	p.flags = p.flags&^kept | flags
	if changed {
		a.choose(pod)
	}
	unsure := false
	for _, s := range a.said {
		a.hold(pod, s.address)
		unsure = unsure || s.by == inAnnotation
	}
	a.of(pod, func(_ uint32, c *claim) {
		says := sayers(0)
		for _, s := range a.said {
			if s.address == c.address {
				says = s.by
			}
		}
		if changed || c.says != says {
			c.says = says
			a.touch(c.address)
		}
	})
	if unsure {
		a.unsure[pod] = struct{}{}
	} else {
		delete(a.unsure, pod)
	}
}

// allocate takes in that a block gives the address to the pod, or, with -1, does so no more.
func (a *addresses) allocate(pod uint32, addr address, by int) {
	c := a.claims.at(a.hold(pod, addr))
	c.allocated = uint16(int(c.allocated) + by)
	a.touch(addr)
}

// doubt lets the pods choose again of which only the annotation shows an address in the
// range.
func (a *addresses) doubt(nets ...netip.Prefix) { a.doubted = append(a.doubted, nets...) }

// reconsider puts the pods on the queue whose addresses have been doubted.
func (a *addresses) reconsider() {
	if len(a.doubted) == 0 {
		return
	}
	for pod := range a.unsure {
		a.of(pod, func(_ uint32, c *claim) {
			if c.says == inAnnotation && contains(a.doubted, c.address.addr()) {
				a.choose(pod)
			}
		})
	}
	a.doubted = nil
}

// contest puts a claim on the list of those whose address is to be decided.
func (a *addresses) contest(id uint32) {
	if c := a.claims.at(id); !c.queued {
		c.queued = true
		a.contested = append(a.contested, id)
	}
}

// settle decides all that is open. It reports every address that a pod loses, then every
// one that a pod gains, then every pod that may have something to say about it.
func (a *addresses) settle(lost, gained func(pod uint32, addr address), looked func(pod uint32)) {
	a.reconsider()
	for i := 0; i < len(a.queue); i++ {
		a.rank(a.queue[i])
	}
	var winners []uint32
	for _, id := range a.contested {
		if c := a.claims.at(id); c.queued { // else its address has been decided
			if winner := a.decide(c.address, lost); winner != 0 {
				winners = append(winners, winner)
			}
		}
	}
	for _, id := range winners {
		c := a.claims.at(id)
		c.counted = true
		gained(c.pod, c.address)
	}
	for _, pod := range a.queue {
		looked(pod)
	}
	a.tidy()
}

// decide takes an address away from whoever has it and should not, and returns the claim
// that it goes to, if that is another one than before.
func (a *addresses) decide(addr address, lost func(pod uint32, addr address)) uint32 {
	winner := a.winner(addr)
	a.each(addr, func(id uint32, c *claim) {
		c.queued = false
		if c.counted && id != winner {
			c.counted = false
			lost(c.pod, addr)
		}
		a.choose(c.pod) // not to choose again, but to be looked at
	})
	if winner == 0 || a.claims.at(winner).counted {
		return 0
	}
	return winner
}

// tidy removes claims that nobody makes any more, and pods that nothing names.
func (a *addresses) tidy() {
	for _, id := range a.contested {
		c := a.claims.at(id)
		if c.says == 0 && c.allocated == 0 {
			a.drop(id)
		}
	}
	for _, pod := range a.queue {
		a.pods.at(pod).flags &^= podQueued
		a.pods.dropIfUnused(pod)
	}
	a.contested, a.queue = emptied(a.contested), emptied(a.queue)
}

// emptied is the list for the next time, without the room that only a flood needs.
func emptied(list []uint32) []uint32 {
	if cap(list) > 4096 {
		return nil
	}
	return list[:0]
}

// rank lets the pod choose.
func (a *addresses) rank(pod uint32) {
	var chosen family.Pair[uint32]
	var worth family.Pair[rank]
	if a.active(pod) {
		a.of(pod, func(id uint32, c *claim) {
			f := c.address.family()
			r := a.worth(c)
			best := chosen.Get(f)
			if r != notChosen && (best == 0 || a.better(c, r, a.claims.at(best), worth.Get(f))) {
				*chosen.At(f), *worth.At(f) = id, r
			}
		})
	}
	a.of(pod, func(id uint32, c *claim) {
		r := notChosen
		if f := c.address.family(); chosen.Get(f) == id {
			r = worth.Get(f)
		}
		if c.rank != r || (c.says == 0 && c.allocated == 0) {
			c.rank = r
			a.contest(id)
		}
	})
}

// active says whether the pod can have addresses at all.
func (a *addresses) active(pod uint32) bool {
	return a.pods.at(pod).flags&(podExists|podReleased) == podExists
}

// worth is the rank that the claim has if the pod chooses it.
func (a *addresses) worth(c *claim) rank {
	switch {
	case c.allocated > 0 && (c.says&inStatus != 0 || a.ipam.taken(c.address) == ""):
		return byBlock
	case c.says&inStatus != 0:
		return byStatus
	case c.says&inAnnotation != 0 && a.objection(c) == "":
		return byAnnotation
	}
	return notChosen
}

// better says whether claim c of rank r is to be chosen before claim d of rank s.
func (a *addresses) better(c *claim, r rank, d *claim, s rank) bool {
	switch {
	case r != s:
		return r > s
	case c.says&inStatus != d.says&inStatus:
		return c.says&inStatus != 0
	case c.says&inAnnotation != d.says&inAnnotation:
		return c.says&inAnnotation != 0
	}
	return bytes.Compare(c.address[:], d.address[:]) < 0
}

// winner is the claim to which the address goes; 0 for none.
func (a *addresses) winner(addr address) (winner uint32) {
	a.each(addr, func(id uint32, c *claim) {
		if c.rank == notChosen {
			return
		}
		if winner == 0 || c.rank > a.claims.at(winner).rank ||
			c.rank == a.claims.at(winner).rank && a.pods.key(c.pod).Compare(a.pods.key(a.claims.at(winner).pod)) < 0 {
			winner = id
		}
	})
	return winner
}

// have are the addresses that the pod has.
func (a *addresses) have(pod uint32) (have family.Pair[netip.Addr]) {
	a.of(pod, func(_ uint32, c *claim) {
		if c.counted {
			*have.At(c.address.family()) = c.address.addr()
		}
	})
	return have
}
