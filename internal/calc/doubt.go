package calc

import (
	"fmt"

	"github.com/margay-net/margay/internal/family"
	"github.com/margay-net/margay/internal/model"
)

// objection says why an address is not believed that only the pod's annotation shows; empty
// if it is. It is believed if no block covers it but a pool or the node's podCIDR does, or
// if the CNI plugin's route to it stands on the pod's own interface; never if a node, a
// service or another pod's status has it.
func (a *addresses) objection(c *claim) string {
	if who := a.ipam.taken(c.address); who != "" {
		return who + " has it"
	}
	if other := a.statedBy(c); other != 0 {
		return fmt.Sprintf("the status of %v shows it", a.pods.key(other))
	}
	addr := c.address.addr()
	p := a.pods.at(c.pod)
	switch {
	case a.ipam.covered(addr):
		if other := a.allocatedTo(c); other != 0 {
			return fmt.Sprintf("IPAM has given it to %v", a.pods.key(other))
		}
		return "IPAM has not given it to this pod"
	case a.ipam.inPool(addr), a.ipam.inPodCIDR(p.node, addr), a.ipam.standsAt(c.pod, addr):
		return ""
	}
	return "it lies in no pool and not in its node's podCIDR, and no route to it stands on the pod's interface"
}

// statedBy is another pod whose status shows the address, the one with the smallest key.
func (a *addresses) statedBy(claimed *claim) uint32 {
	return a.smallest(claimed, func(c *claim) bool { return c.says&inStatus != 0 && a.active(c.pod) })
}

// allocatedTo is another pod that a block gives the address to.
func (a *addresses) allocatedTo(claimed *claim) uint32 {
	return a.smallest(claimed, func(c *claim) bool { return c.allocated > 0 })
}

func (a *addresses) smallest(claimed *claim, is func(*claim) bool) (pod uint32) {
	a.each(claimed.address, func(_ uint32, c *claim) {
		if c != claimed && is(c) && (pod == 0 || a.pods.key(c.pod).Compare(a.pods.key(pod)) < 0) {
			pod = c.pod
		}
	})
	return pod
}

// problems are what is to be said about the addresses of a pod.
func (a *addresses) problems(pod uint32) []model.Problem {
	if !a.active(pod) {
		return nil
	}
	var out []model.Problem
	a.of(pod, func(_ uint32, c *claim) {
		if p, any := a.problem(pod, c); any {
			p.Object, p.Value = a.pods.key(pod).String(), c.address.addr().String()
			out = append(out, p)
		}
	})
	return out
}

const (
	fieldStatus     = "status.podIPs"
	fieldAnnotation = "metadata.annotations[cni.projectcalico.org/podIPs]"
)

// problem is what is to be said about one claim. Where the address came from is told by
// the field.
func (a *addresses) problem(pod uint32, c *claim) (p model.Problem, any bool) {
	p.Severity = model.Failure
	switch {
	case c.says&inStatus != 0:
		p.Field = fieldStatus
	case c.says&inAnnotation != 0:
		p.Field = fieldAnnotation
	}
	f := c.address.family()
	switch {
	case c.counted:
		return a.partial(pod, c)
	case c.rank != notChosen:
		p.Message = fmt.Sprintf("is not used: %v has the better claim to it", a.pods.key(a.holder(c.address)))
	case a.worth(c) != notChosen:
		p.Severity = model.Warning
		p.Message = fmt.Sprintf("is not used: %s", a.instead(pod, f))
	case c.says&inAnnotation != 0 && c.allocated == 0:
		p.Message = "is not used: only the annotation shows it, and " + a.objection(c)
	case c.says != 0 || c.allocated > 0:
		p.Message = "is not used: " + a.ipam.taken(c.address) + " has it"
	default:
		return p, false
	}
	return p, true
}

// partial is said about an address that the pod has although its status, which shows
// others, does not show it.
func (a *addresses) partial(pod uint32, c *claim) (p model.Problem, any bool) {
	if c.says != inAnnotation || a.pods.at(pod).flags&podHasStatus == 0 {
		return p, false
	}
	f := c.address.family()
	return model.Problem{
		Severity: model.Warning, Field: fieldAnnotation,
		Message: fmt.Sprintf("is kept, but only the CNI plugin's annotation shows it and the pod's status does not; "+
			"the likely cause is a container runtime that reports no %v, such as one with %v switched off "+
			"(for cri-dockerd: started without --ipv6-dual-stack)", f, f),
	}, true
}

// instead says which claim the pod has chosen for the family.
func (a *addresses) instead(pod uint32, f family.Family) (text string) {
	a.of(pod, func(_ uint32, c *claim) {
		if c.rank == notChosen || c.address.family() != f {
			return
		}
		by := map[rank]string{byBlock: "IPAM gives the pod", byStatus: "the status shows", byAnnotation: "the annotation also shows"}[c.rank]
		text = fmt.Sprintf("%s %v, and a pod has one %v address", by, c.address.addr(), f)
	})
	return text
}
