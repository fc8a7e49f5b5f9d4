package calc

import (
	"hash/maphash"
	"net/netip"

	"github.com/margay-net/margay/internal/family"
)

// address is an IP address as claims hold it: without a pointer, IPv4 as mapped.
type address [16]byte

func addressOf(a netip.Addr) address { return a.Unmap().WithZone("").As16() }

func (a address) addr() netip.Addr { return netip.AddrFrom16(a).Unmap() }

func (a address) family() family.Family { return family.Of(netip.AddrFrom16(a)) }

// claim says that an address may be a pod's, and who says so.
type claim struct {
	address address
	pod     uint32
	next    uint32 // of the same pod
	// allocated is the number of IPAM blocks that give the address to the pod: one, or
	// more where blocks overlap.
	allocated uint16
	says      sayers
	rank      rank
	// counted says that the pod has the address: sets and routes know of it.
	counted bool
	// queued says that the claim is on the list of those whose address is to be decided.
	queued bool
}

// sayers are the parts of a Pod object that show an address.
type sayers uint8

const (
	inStatus sayers = 1 << iota
	inAnnotation
)

// rank is how good a pod's claim is, if it is the pod's choice for the family.
type rank uint8

const (
	notChosen rank = iota
	byAnnotation
	byStatus
	byBlock
)

// claimStore finds claims by their address; those of a pod are a chain from the pod.
type claimStore struct {
	claims    slab[claim]
	byAddress lookup
	seed      maphash.Seed
	pods      *podTable
}

func (s *claimStore) hash(a address) uint32 { return fold(maphash.Bytes(s.seed, a[:])) }

// each yields the claims on an address.
func (s *claimStore) each(a address, yield func(id uint32, c *claim)) {
	s.byAddress.find(s.hash(a), func(id uint32) bool {
		if c := s.claims.at(id); c.address == a {
			yield(id, c)
		}
		return false
	})
}

// of yields the claims of a pod.
func (s *claimStore) of(pod uint32, yield func(id uint32, c *claim)) {
	for id := s.pods.at(pod).claims; id != 0; {
		c := s.claims.at(id)
		next := c.next
		yield(id, c)
		id = next
	}
}

// hold finds or makes the pod's claim on the address.
func (s *claimStore) hold(pod uint32, a address) uint32 {
	p := s.pods.at(pod)
	for id := p.claims; id != 0; id = s.claims.at(id).next {
		if s.claims.at(id).address == a {
			return id
		}
	}
	id := s.claims.alloc()
	*s.claims.at(id) = claim{address: a, pod: pod, next: p.claims}
	p.claims = id
	s.byAddress.insert(s.hash(a), id)
	return id
}

// drop removes a claim that nobody makes any more.
func (s *claimStore) drop(id uint32) {
	c := s.claims.at(id)
	at := &s.pods.at(c.pod).claims
	for *at != id {
		at = &s.claims.at(*at).next
	}
	*at = c.next
	s.byAddress.remove(s.hash(c.address), id)
	s.claims.release(id)
}

// holder is the pod that has the address; 0 for none.
func (s *claimStore) holder(a address) (pod uint32) {
	s.each(a, func(_ uint32, c *claim) {
		if c.counted {
			pod = c.pod
		}
	})
	return pod
}
